// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import WireProtocol

/// What an `add` is going to do, decided before anything is hashed.
package struct AddPlan: Equatable {
  package struct Entry: Equatable {
    package let key: DocumentKey
    /// `nil`: read it from the file where that has one.
    package let title: Title?
    package let path: String
    package let fingerprint: FileFingerprint

    package init(key: DocumentKey, title: Title?, path: String, fingerprint: FileFingerprint) {
      self.key = key
      self.title = title
      self.path = path
      self.fingerprint = fingerprint
    }
  }

  /// Of one `add`: each costs a few hundred bytes until it is done.
  package static let maxFiles = 250_000
  /// Files and directories below those of one `add` that are named because they cannot be shared.
  package static let maxProblems = 1000
  /// Named problems of one refusal, in bytes: the answer has to fit a line.
  private static let maxProblemBytes = 256 * 1024

  package private(set) var entries: [Entry] = []
  /// What is left out, and why.
  package private(set) var failed: [PathProblem] = []
  /// How much is left out: some of `failed` may stand for many.
  package private(set) var failedCount = 0

  /// - Throws: `no-input` that names each path that cannot be used; `usage`, `invalid-key`.
  package init(_ request: AddFiles, found: [InspectedPath]) throws(WireFailure) {
    try Self.refuse(unusable: found)
    let isSingleFile = found.count == 1 && found.allSatisfy(\.isFile)
    guard request.title == nil || isSingleFile else {
      throw WireFailure(.usage, "one title is for one file")
    }
    let requested = try RequestedKey(request.key, isSingleFile: isSingleFile)
    for path in found { add(path, requested, request.title) }
    guard entries.count <= Self.maxFiles else {
      throw WireFailure(
        .tooLarge, "these are more than \(Self.maxFiles) files; add them in parts",
        limit: .init("files", Self.maxFiles))
    }
  }

  private mutating func add(_ path: InspectedPath, _ requested: RequestedKey, _ title: Title?) {
    switch path {
    case .unusable: break
    case .file(let file):
      add(file, title) { () throws(InvalidValue) in try requested.key(ofFile: String(file.name)) }
    case .directory(let name, let files, let unreadable, let more):
      failed += unreadable
      failedCount += unreadable.count + more
      for file in files {
        add(file, nil) { () throws(InvalidValue) in try requested.key(of: file.name, in: name) }
      }
    }
  }

  private mutating func add(_ file: FoundFile, _ title: Title?, _ key: () throws(InvalidValue) -> DocumentKey) {
    do throws(InvalidValue) {
      entries.append(Entry(key: try key(), title: title, path: file.path, fingerprint: file.fingerprint))
    } catch {
      failedCount += 1
      failed.append(
        PathProblem(path: file.path, message: "its name makes no key: \(error.reason); --key gives another"))
    }
  }

  private static func refuse(unusable found: [InspectedPath]) throws(WireFailure) {
    var problems = [PathProblem]()
    var count = 0
    var bytes = 0
    for case .unusable(let problem) in found {
      count += 1
      bytes += problem.path.utf8.count + problem.message.utf8.count
      if bytes <= maxProblemBytes { problems.append(problem) }
    }
    guard count > 0 else { return }
    let named = count == 1 ? "a path cannot be shared" : "\(count) paths cannot be shared"
    throw WireFailure(.noInput, "\(named); nothing was added", paths: problems)
  }
}

extension InspectedPath {
  fileprivate var isFile: Bool {
    if case .file = self { true } else { false }
  }
}

extension AddPlan {
  /// Files of one transaction: durability costs the same for one as for hundreds.
  package static let filesOfBatch = 512
  /// Bytes after which a transaction is due, so that much work is not lost with the power.
  package static let bytesOfBatch: Int64 = 256 << 20

  /// The entries in parts that are hashed, made durable and announced one after the other.
  package static func batches(_ entries: [Entry]) -> [Range<Int>] {
    var batches = [Range<Int>]()
    var start = 0
    var bytes: Int64 = 0
    for (index, entry) in entries.enumerated() {
      let isFull = index - start >= filesOfBatch || bytes >= bytesOfBatch
      if index > start && isFull {
        batches.append(start..<index)
        (start, bytes) = (index, 0)
      }
      let (sum, overflow) = bytes.addingReportingOverflow(max(entry.fingerprint.size, 0))
      bytes = overflow ? .max : sum
    }
    if start < entries.count { batches.append(start..<entries.count) }
    return batches
  }
}
