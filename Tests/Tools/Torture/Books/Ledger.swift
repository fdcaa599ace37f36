// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What one worker was acknowledged by its peer, and what the catalogue must therefore contain.
///
/// Entries are identified by the path of the file. A worker has its own paths and sends one request at a time.
package struct Ledger: Sendable {
  package enum Claim: Hashable, Sendable {
    /// Acknowledged: shared with this content.
    case shared(Content)
    /// Acknowledged: not shared.
    case absent
    /// The answer was lost: either is possible.
    case unknown
  }

  /// The state of the file since the last answer.
  package enum File: Hashable, Sendable {
    case unchanged
    case changed(Content)
    case gone
  }

  package struct Entry: Hashable, Sendable {
    package let key: String
    /// Added by its user, not fetched. Only these are published again after a change.
    package let isOwn: Bool
    package var claim: Claim
    package var file: File
    /// Contents of the file since the last answer. The peer may have shared any of them meanwhile.
    package var past: Set<Content> = []
  }

  /// By path.
  package private(set) var entries: [String: Entry] = [:]

  package init() {}

  // MARK: Answers

  /// An `add`, or a `get` that shares, was acknowledged. A document has one path at a peer: the last one added. A fetched
  /// copy does not replace an unchanged file.
  package mutating func shared(_ key: String, _ content: Content, path: String, isOwn: Bool) {
    let others = entries.filter { $0.key != path && $0.value.key == key }.values
    let stays = others.contains { $0.claim == .shared(content) && $0.file == .unchanged }
    // The peer may or may not have noticed a changed original.
    let mayStay = others.contains { $0.claim == .unknown || ($0.claim != .absent && $0.file == .changed(content)) }
    let isCertain = isOwn || (!stays && !mayStay)
    if isOwn || !stays { moveHere(key, content, path: path) }
    entries[path] = Entry(key: key, isOwn: isOwn, claim: isCertain ? .shared(content) : .unknown, file: .unchanged)
  }

  /// Another path with this content may have lost its share to this one.
  private mutating func moveHere(_ key: String, _ content: Content, path: String) {
    for (other, entry) in entries where other != path && entry.key == key && entry.claim != .absent {
      if entry.claim == .shared(content) || entry.past.contains(content) { entries[other]?.claim = .unknown }
    }
  }

  package mutating func removed(_ key: String) {
    for (path, entry) in entries where entry.key == key { entries[path]?.claim = .absent }
  }

  /// The outcome of a request for this key is unknown.
  package mutating func lost(_ key: String) {
    for (path, entry) in entries where entry.key == key { entries[path]?.claim = .unknown }
  }

  /// The outcome for this path is unknown, and so is every other path under the key: its share may have moved here.
  package mutating func lost(_ key: String, path: String, isOwn: Bool) {
    for (other, entry) in entries where entry.key == key && entry.claim != .absent {
      entries[other]?.claim = .unknown
    }
    entries[path] = Entry(key: key, isOwn: isOwn, claim: .unknown, file: .unchanged)
  }

  // MARK: Files

  /// - Parameter content: `nil` if the file is gone.
  package mutating func fileChanged(_ path: String, to content: Content?) {
    guard let entry = entries[path] else { return }
    if entry.file == .gone, content != nil {
      // The result depends on whether the peer noticed the absence.
      entries[path]?.claim = entry.claim == .absent ? .absent : .unknown
    }
    if let content, entry.isOwn { moveHere(entry.key, content, path: path) }
    entries[path]?.file = content.map { .changed($0) } ?? .gone
    if let content { entries[path]?.past.insert(content) }
  }

  // MARK: Expectations

  package struct Expectation: Hashable, Sendable {
    package enum Rule: Hashable, Sendable {
      case shared(Content)
      case notShared
    }

    package let key: String
    package let path: String
    package let rule: Rule
  }

  /// - Parameter isSettled: whether the peer has checked every file since its last change; only then changed files count.
  package func expectations(isSettled: Bool) -> [Expectation] {
    entries.sorted { $0.key < $1.key }.compactMap { path, entry in
      Self.rule(entry, isSettled: isSettled).map { Expectation(key: entry.key, path: path, rule: $0) }
    }
  }

  private static func rule(_ entry: Entry, isSettled: Bool) -> Expectation.Rule? {
    switch (entry.claim, entry.file) {
    case (.unknown, _): nil
    case (.absent, _): .notShared
    case (.shared(let content), .unchanged): .shared(content)
    case (.shared, .gone): isSettled ? .notShared : nil
    case (.shared(let old), .changed(let content)):
      // An edited copy of a fetched file is not published.
      isSettled ? (entry.isOwn || old == content ? .shared(content) : .notShared) : nil
    }
  }
}
