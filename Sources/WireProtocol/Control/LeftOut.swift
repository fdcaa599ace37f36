// SPDX-License-Identifier: Apache-2.0

/// What an `add` did not take from directories, by reason.
package struct LeftOut: Equatable, Sendable {
  package enum Reason: String, CaseIterable, Sendable {
    /// The name begins with a dot.
    case hidden
    /// It matches a pattern of the request.
    case excluded
    /// A symbolic link.
    case link
    /// A directory on which another file system is mounted.
    case fileSystem = "file-system"
    /// A socket, a FIFO, a device.
    case notAFile = "not-a-file"
    /// A private key, or a file of a peer, an index or a supervisor.
    case state
    case unfinished
    /// A directory that was reached a second time.
    case twice
    /// A directory without entries.
    case empty
  }

  /// The entries that were left out for one reason.
  package struct Group: WireMessage {
    /// A `Reason`, or one of a later version.
    package let reason: String
    package var count: Int
    /// The first few of them.
    package var paths: [String]

    package init(reason: String, count: Int, paths: [String]) {
      self.reason = reason
      self.count = count
      self.paths = paths
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      reason = try fields.string("reason")
      count = try fields.count("count")
      paths = try fields.strings("paths")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("reason", reason)
      fields.member("count", count)
      fields.strings("paths", paths)
    }
  }

  /// Paths that are named for each reason.
  private static let maxPaths = 5

  package private(set) var groups: [Group]

  package init(_ groups: [Group] = []) {
    self.groups = groups
  }

  package mutating func note(_ reason: Reason, _ path: String) {
    add(Group(reason: reason.rawValue, count: 1, paths: [path]))
  }

  package mutating func add(_ other: LeftOut) {
    for group in other.groups { add(group) }
  }

  private mutating func add(_ group: Group) {
    guard let position = groups.firstIndex(where: { $0.reason == group.reason }) else { return groups.append(group) }
    groups[position].count += group.count
    groups[position].paths += group.paths.prefix(max(Self.maxPaths - groups[position].paths.count, 0))
  }
}
