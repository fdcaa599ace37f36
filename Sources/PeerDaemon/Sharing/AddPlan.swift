// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import DocumentTitles
package import WireProtocol

/// The files of an `add` with their keys, decided before anything is hashed.
package struct AddPlan: Equatable {
  package struct Entry: Equatable {
    package let key: DocumentKey
    /// `nil` to read it from the file.
    package let title: Title?
    package let path: String
    package let fingerprint: FileFingerprint
    /// Permission bits of chmod(2).
    package let permissions: UInt32

    package init(key: DocumentKey, title: Title?, _ file: FoundFile) {
      self.key = key
      self.title = title
      path = file.path
      fingerprint = file.fingerprint
      permissions = file.permissions
    }
  }

  /// Per `add`: each file costs a few hundred bytes of memory until the end.
  package static let maxFiles = 250_000
  /// Per `add`: entries below directories that are named because they cannot be shared.
  package static let maxProblems = 1000
  /// Size of the problems in a refusal, in bytes: the reply must fit a line.
  private static let maxProblemBytes = 256 * 1024

  package private(set) var entries: [Entry] = []
  /// Files that are left out.
  package private(set) var failed: [PathProblem] = []
  /// Number of files left out; an entry of `failed` may represent many.
  package private(set) var failedCount = 0
  /// What was not taken from directories.
  package private(set) var leftOut = LeftOut()

  /// - Throws: `no-input` that names the unusable paths, or two files with one key; `usage`, `invalid-key`, `too-large`.
  package init(_ request: AddRequest, found: [InspectedPath]) throws(WireFailure) {
    try Self.refuse(unusable: found)
    let isSingleFile = found.count == 1 && found.allSatisfy(\.isFile)
    guard request.title == nil || isSingleFile else {
      throw WireFailure(.usage, "a title needs a single file")
    }
    let requested = try RequestedKey(request.key, isSingleFile: isSingleFile)
    for path in found { add(path, requested, request.title) }
    try makeUnique()
    guard entries.count <= Self.maxFiles else {
      throw WireFailure(
        .tooLarge, "more than \(Self.maxFiles) files; add them in parts",
        limit: .init("files", Self.maxFiles))
    }
  }

  private mutating func add(_ path: InspectedPath, _ requested: RequestedKey, _ title: Title?) {
    switch path {
    case .unusable: break
    case .file(let file):
      add(file, title) { () throws(InvalidValue) in try requested.key(ofFile: file.name) }
    case .directory(let tree):
      failed += tree.unreadable
      failedCount += tree.unreadable.count + tree.more
      leftOut.add(tree.leftOut)
      for file in tree.files {
        add(file, nil) { () throws(InvalidValue) in try requested.key(of: file.name, in: tree.name) }
      }
    }
  }

  /// A path may be named twice, but two files cannot have one key: the user would not know which one is offered.
  private mutating func makeUnique() throws(WireFailure) {
    var first: [DocumentKey: String] = [:]
    var (kept, problems) = ([Entry](), [PathProblem]())
    kept.reserveCapacity(entries.count)
    for entry in entries {
      guard let other = first[entry.key] else {
        first[entry.key] = entry.path
        kept.append(entry)
        continue
      }
      // Strings are equal in NFC and NFD; files are not.
      guard !other.utf8.elementsEqual(entry.path.utf8) else { continue }
      if problems.count < Self.maxTwins {
        for path in [other, entry.path] {
          problems.append(PathProblem(path: path, message: "would be \(entry.key)"))
        }
      }
    }
    guard problems.isEmpty else {
      throw WireFailure(
        .noInput, "several files would have the same key; nothing was added: give each its own with --key",
        paths: problems)
    }
    entries = kept
  }

  /// Files with the same key that a refusal names.
  private static let maxTwins = 20

  private mutating func add(_ file: FoundFile, _ title: Title?, _ key: () throws(InvalidValue) -> DocumentKey) {
    do throws(InvalidValue) {
      entries.append(Entry(key: try key(), title: title, file))
    } catch {
      failedCount += 1
      failed.append(
        PathProblem(path: file.path, message: "cannot derive a key from the file name (\(error.reason)); use --key"))
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
  /// Files per transaction: durability costs the same for one as for hundreds.
  package static let batchFiles = 512
  /// Bytes after which a transaction is due, to limit the work that a crash loses.
  package static let batchBytes: Int64 = 256 << 20

  /// Cuts the entries into parts that are hashed, made durable and announced one after the other.
  package static func batches(_ entries: [Entry]) -> [Range<Int>] {
    var batches = [Range<Int>]()
    var start = 0
    var bytes: Int64 = 0
    for (index, entry) in entries.enumerated() {
      let isFull = index - start >= batchFiles || bytes >= batchBytes
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

/// The `key` of an `add`, and the key of each file that follows from it.
package enum RequestedKey: Equatable {
  /// No key given: derived from the file name.
  case inferred
  /// For a single file.
  case exactly(DocumentKey)
  /// `collection/prefix/`, put before the name of each file; ends with a slash.
  case below(String)

  /// - Throws: `invalid-key`; `usage` if one key is given for several files.
  package init(_ text: String?, isSingleFile: Bool) throws(WireFailure) {
    guard let text else {
      self = .inferred
      return
    }
    guard isSingleFile || text.endsInSlash else {
      throw WireFailure(.usage, "a key needs a single file; --key \(text)/ puts several files below \(text)")
    }
    do throws(InvalidValue) {
      self = try Self.parse(text)
    } catch {
      throw WireFailure(.invalidKey, "invalid key \(TextRules.escapedForTerminal(text)): \(error.reason)")
    }
  }

  private static func parse(_ text: String) throws(InvalidValue) -> RequestedKey {
    guard text.endsInSlash else { return .exactly(try DocumentKey(normalizing: text)) }
    let prefix = TextRules.normalized(text)
    // Checked with a name appended; a number is a valid name in every collection.
    _ = try DocumentKey(prefix + "0")
    return .below(prefix)
  }

  /// The key of a file that the request names.
  package func key(ofFile name: String) throws(InvalidValue) -> DocumentKey {
    switch self {
    case .exactly(let key): key
    case .below(let prefix): try DocumentKey(normalizing: prefix + name)
    case .inferred:
      if let text = RFCText.recognise(fileName: name, bytes: []) {
        DocumentKey(rfc: text.number)
      } else {
        try DocumentKey(normalizing: "\(DocumentKey.fileCollection)/\(name)")
      }
    }
  }

  /// The key of a file below a directory that the request names.
  /// - Parameter directory: the last segment of the directory's path; empty for `/`.
  package func key(of relativePath: some StringProtocol, in directory: String) throws(InvalidValue) -> DocumentKey {
    switch self {
    case .exactly(let key): key
    case .below(let prefix): try DocumentKey(normalizing: prefix + relativePath)
    case .inferred:
      try DocumentKey(
        normalizing: "\(DocumentKey.fileCollection)/" + (directory.isEmpty ? "" : "\(directory)/") + relativePath)
    }
  }
}
