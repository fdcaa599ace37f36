// SPDX-License-Identifier: Apache-2.0

/// Assigns work to hashing workers: a large file is split into ranges for all of them, a small one goes to one worker.
struct HashSchedule {
  /// Bytes that a worker hashes at a time, about 20 ms of work. A multiple of the block length.
  static let rangeLength: Int64 = 32 << 20

  enum Step {
    /// Open the file with this index, then call `opened`, also on failure.
    case open(Int)
    /// Hash this part of a large file, then call `finished`.
    case hash(HashJob, Range<Int64>)
    /// The last file is being opened and may need several workers: ask again when woken.
    case wait
    /// No work is left.
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
  /// At most one for each worker: a worker opens a file only if no range is left.
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

  /// Call it after opening a file. A large file is then shared by all workers.
  /// - Parameter job: `nil` on failure.
  /// - Returns: number of workers to wake.
  mutating func opened(_ job: HashJob?) -> Int {
    opening -= 1
    if let job, Self.isLarge(job) { large.append(Large(job: job)) }
    defer { waiting = 0 }
    return waiting
  }

  static func isLarge(_ job: HashJob) -> Bool { job.size > rangeLength }

  /// Call it after hashing a range.
  /// - Returns: whether it was the last of its file, and the first error of that file.
  mutating func finished(_ job: HashJob, error: StoreError?) -> (isLast: Bool, error: StoreError?) {
    guard let index = large.firstIndex(where: { $0.job === job }) else { return (false, nil) }
    large[index].running -= 1
    if large[index].error == nil { large[index].error = error }
    guard large[index].isDone else { return (false, nil) }
    return (true, large.remove(at: index).error)
  }
}
