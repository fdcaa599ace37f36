// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
package import WireProtocol

/// One document of a prefix, and its file below the directory.
package struct PrefixFile: Equatable, Sendable {
  package let document: Document
  /// The names below the directory; the last is that of the file.
  package let path: [String]
  /// The holders that the list named; there may be others.
  package let holders: [Holder]
}

/// Decides which documents of a listing become files, and which cannot. The listing comes in the order of keys, page by page;
/// memory: the documents whose key may also be a directory, at most as many as a key has bytes.
package struct PrefixPlan: Sendable {
  package enum Step: Equatable, Sendable {
    case file(PrefixFile)
    case skip(DocumentKey, WireFailure)
  }

  private struct Candidate {
    let file: PrefixFile
    /// The key with a slash: what the keys of documents in a directory of that name begin with.
    let directory: String
  }

  private let prefix: String
  private let takesNewest: Bool
  private let includesHidden: Bool
  private let from: PeerID?
  private let own: PeerID?
  /// The contents of the key that came last.
  private var contents: [DocumentListing] = []
  /// Files that wait for the next keys: theirs may be a directory.
  private var candidates: [Candidate] = []

  /// - Parameters:
  ///   - prefix: ends in a slash.
  ///   - takesNewest: whether the latest date decides between several contents of a key.
  ///   - from: the only source; of several contents of a key the one that it holds counts.
  ///   - own: this peer. What only it has, such as an older version that it fetched, counts if there is nothing else.
  package init(
    prefix: String, takesNewest: Bool = false, includesHidden: Bool = false, from: PeerID? = nil, own: PeerID? = nil
  ) {
    self.from = from
    self.own = own
    self.prefix = prefix
    self.takesNewest = takesNewest
    self.includesHidden = includesHidden
  }

  /// - Parameter rows: the next rows of the listing.
  package mutating func add(_ rows: some Sequence<DocumentListing>) -> [Step] {
    var steps = [Step]()
    for row in rows where row.document.key.text.utf8.starts(with: prefix.utf8) {
      if let key = contents.first?.document.key, key != row.document.key { takeContents(&steps) }
      contents.append(row)
      // More are refused anyway.
      if contents.count > Self.maxContents { contents.removeFirst() }
    }
    return steps
  }

  private static let maxContents = 100
  private static let maxCandidates = DocumentKey.maximumCollectionLength + DocumentKey.maximumNameLength + 1

  /// - Returns: what was held back.
  package mutating func end() -> [Step] {
    var steps = [Step]()
    takeContents(&steps)
    steps += candidates.map { .file($0.file) }
    candidates = []
    return steps
  }

  /// All contents of one key are known.
  private mutating func takeContents(_ steps: inout [Step]) {
    let found = contents
    contents = []
    guard let key = found.first?.document.key else { return }
    release(before: key, &steps)
    do throws(WireFailure) {
      let listing = try choose(found)
      let file = PrefixFile(document: listing.document, path: try path(of: key), holders: listing.holders)
      candidates.append(Candidate(file: file, directory: key.text + "/"))
      // Only an index whose list is in no order gets here.
      if candidates.count > Self.maxCandidates { steps.append(.file(candidates.removeFirst().file)) }
    } catch {
      steps.append(.skip(key, error))
    }
  }

  /// Files that no later key can make a directory can be fetched.
  private mutating func release(before key: DocumentKey, _ steps: inout [Step]) {
    candidates.removeAll { candidate in
      if key.text.utf8.starts(with: candidate.directory.utf8) {
        steps.append(
          .skip(
            candidate.file.document.key,
            WireFailure(.cannotCreate, "is also a directory, of \(key): fetch it alone, with -o")))
        return true
      }
      guard candidate.directory.utf8.lexicographicallyPrecedes(key.text.utf8) else { return false }
      steps.append(.file(candidate.file))
      return true
    }
  }

  private func choose(_ contents: [DocumentListing]) throws(WireFailure) -> DocumentListing {
    let wanted = contents.filter { content in content.holders.contains { $0.peer == from } }
    let others = contents.filter { $0.total != 1 || $0.holders.first?.peer != own }
    let contents = !wanted.isEmpty ? wanted : !others.isEmpty ? others : contents
    guard contents.count > 1 else {
      if let only = contents.first { return only }
      throw WireFailure(.notFound, "nobody shares it now")
    }
    let latest = contents.map(\.document.modified.seconds).max()
    let newest = contents.filter { $0.document.modified.seconds == latest }
    guard takesNewest, let first = newest.first, newest.count == 1 else {
      throw WireFailure(
        .severalContents, "has \(contents.count) different contents: --newest takes the latest, or fetch it alone")
    }
    return first
  }

  private func path(of key: DocumentKey) throws(WireFailure) -> [String] {
    var names = key.text.utf8.dropFirst(prefix.utf8.count).split(separator: UInt8(ascii: "/")).map {
      "\(Substring($0))"
    }
    guard !names.isEmpty else { throw WireFailure(.cannotCreate, "has no name below \(prefix)") }
    names[names.count - 1] = key.suggestedFileName
    for name in names {
      guard name.utf8.count <= Self.maxName else {
        throw WireFailure(.cannotCreate, "a name has at most \(Self.maxName) bytes: fetch it alone, with -o")
      }
      guard includesHidden || !name.beginsWithDot else {
        throw WireFailure(.cannotCreate, "is hidden: --hidden fetches it")
      }
    }
    return names
  }

  /// Of most file systems.
  private static let maxName = 255
}
