// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What one worker was told by its peer, and what therefore has to be so.
///
/// Everything is known by the path of its file: each worker has its own, and asks one thing after the other.
package struct Ledger: Sendable {
  package enum Standing: Hashable, Sendable {
    /// Acknowledged: shared with this content.
    case shared(Content)
    /// Acknowledged: not shared.
    case absent
    /// The answer was lost, so that both may be.
    case open
  }

  /// What became of the file since the last answer.
  package enum File: Hashable, Sendable {
    case asAnswered
    case changed(Content)
    case gone
  }

  package struct Entry: Hashable, Sendable {
    package let key: String
    /// Whether its user added it, as opposed to fetched: only such is published again when it has changed.
    package let isOwn: Bool
    package var standing: Standing
    package var file: File
  }

  /// By path.
  package private(set) var entries: [String: Entry] = [:]

  package init() {}

  // MARK: Answers

  /// `add` was acknowledged, or a `get` that shares. A document has one path at a peer: the latest that was added, while a
  /// copy that is fetched does not take the place of a file that is what it was.
  package mutating func shared(_ key: String, _ content: Content, path: String, isOwn: Bool) {
    let others = entries.filter { $0.key != path && $0.value.key == key }.values
    let stays = others.contains { $0.standing == .shared(content) && $0.file == .asAnswered }
    // A changed original may have been looked at meanwhile, or not.
    let mayStay = others.contains { $0.standing == .open || ($0.standing != .absent && $0.file == .changed(content)) }
    let isCertain = isOwn || (!stays && !mayStay)
    if isOwn || !stays { moveHere(key, content, path: path) }
    entries[path] = Entry(key: key, isOwn: isOwn, standing: isCertain ? .shared(content) : .open, file: .asAnswered)
  }

  /// Nobody knows what is at another path with that content.
  private mutating func moveHere(_ key: String, _ content: Content, path: String) {
    for (other, entry) in entries where other != path && entry.key == key && entry.standing != .absent {
      if entry.standing == .shared(content) || entry.file == .changed(content) { entries[other]?.standing = .open }
    }
  }

  package mutating func removed(_ key: String) {
    for (path, entry) in entries where entry.key == key { entries[path]?.standing = .absent }
  }

  /// Nobody knows whether what was asked for under this key has happened.
  package mutating func lost(_ key: String) {
    for (path, entry) in entries where entry.key == key { entries[path]?.standing = .open }
  }

  /// Nobody knows what is shared at this path now; nor at another under the key, whose content may have moved here.
  package mutating func lost(_ key: String, path: String, isOwn: Bool) {
    for (other, entry) in entries where entry.key == key && entry.standing != .absent {
      entries[other]?.standing = .open
    }
    entries[path] = Entry(key: key, isOwn: isOwn, standing: .open, file: .asAnswered)
  }

  // MARK: Files

  /// - Parameter content: `nil` where the file is gone.
  package mutating func fileChanged(_ path: String, to content: Content?) {
    guard let entry = entries[path] else { return }
    if entry.file == .gone, content != nil {
      // Whether it was seen to be gone decides what it is now.
      entries[path]?.standing = entry.standing == .absent ? .absent : .open
    }
    if let content, entry.isOwn { moveHere(entry.key, content, path: path) }
    entries[path]?.file = content.map { .changed($0) } ?? .gone
  }

  // MARK: What has to be

  package struct Expectation: Hashable, Sendable {
    package enum Rule: Hashable, Sendable {
      case shared(Content)
      case notShared
    }

    package let key: String
    package let path: String
    package let rule: Rule
  }

  /// - Parameter isSettled: whether the peer has had the occasion to look at every file: then changed ones count too.
  package func expectations(isSettled: Bool) -> [Expectation] {
    entries.sorted { $0.key < $1.key }.compactMap { path, entry in
      Self.rule(entry, isSettled: isSettled).map { Expectation(key: entry.key, path: path, rule: $0) }
    }
  }

  private static func rule(_ entry: Entry, isSettled: Bool) -> Expectation.Rule? {
    switch (entry.standing, entry.file) {
    case (.open, _): nil
    case (.absent, _): .notShared
    case (.shared(let content), .asAnswered): .shared(content)
    case (.shared, .gone): isSettled ? .notShared : nil
    case (.shared(let old), .changed(let content)):
      // An edited copy of what was fetched is not published.
      isSettled ? (entry.isOwn || old == content ? .shared(content) : .notShared) : nil
    }
  }
}
