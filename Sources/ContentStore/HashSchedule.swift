// SPDX-License-Identifier: Apache-2.0

/// Who hashes what next: large files are cut into ranges that all workers share, small ones go to one worker each.
struct HashSchedule {
  /// Hashed in one go by one worker: as many bytes as keep it busy for some 20 ms. A multiple of the block length.
  static let rangeLength: Int64 = 32 << 20

  enum Step {
    /// Open the file with this index; then `opened`, whatever comes of it.
    case open(Int)
    /// Hash this part of a large file; then `finished`.
    case hash(HashJob, Range<Int64>)
    /// The last file is being opened, which may give work: ask again when `opened` says so.
    case wait
    /// Nothing left to begin.
    case stop
  }

  private struct Large {
    let job: HashJob
    var next: Int64 = 0
    var running = 0
    var error: StoreError?

    var isDone: Bool { running == 0 && (next >= job.size || error != nil) }
  }

  private var nextFile = 0
  private var opening = 0
  private var waiting = 0
  private let fileCount: Int
  /// At most one for each worker: a worker opens another only when no range is left to begin.
  private var large: [Large] = []

  init(fileCount: Int) {
    self.fileCount = fileCount
  }

  mutating func next() -> Step {
    if let index = large.firstIndex(where: { $0.error == nil && $0.next < $0.job.size }) {
      let start = large[index].next
      let end = min(start + Self.rangeLength, large[index].job.size)
      large[index].next = end
      large[index].running += 1
      return .hash(large[index].job, start..<end)
    }
    guard nextFile < fileCount else {
      guard opening > 0 else { return .stop }
      waiting += 1
      return .wait
    }
    nextFile += 1
    opening += 1
    return .open(nextFile - 1)
  }

  /// A file was opened, or not. One that is longer than a range is there for all.
  /// - Returns: how many workers to wake.
  mutating func opened(_ job: HashJob?) -> Int {
    opening -= 1
    if let job, Self.isLarge(job) { large.append(Large(job: job)) }
    defer { waiting = 0 }
    return waiting
  }

  static func isLarge(_ job: HashJob) -> Bool { job.size > rangeLength }

  /// A range is done, or failed. True where it was the file's last: its error, if any, comes with it.
  mutating func finished(_ job: HashJob, error: StoreError?) -> (isLast: Bool, error: StoreError?) {
    guard let index = large.firstIndex(where: { $0.job === job }) else { return (false, nil) }
    large[index].running -= 1
    if large[index].error == nil { large[index].error = error }
    guard large[index].isDone else { return (false, nil) }
    return (true, large.remove(at: index).error)
  }
}
