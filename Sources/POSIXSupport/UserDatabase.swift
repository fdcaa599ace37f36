// SPDX-License-Identifier: Apache-2.0

/// The users and groups of this machine: passwd(5) and group(5).
///
/// The files are read as text, because a static executable cannot load the modules of the name service. Users known
/// only to LDAP and the like are therefore not found.
package struct UserDatabase: Sendable {
  package struct User: Equatable, Sendable {
    package let name: String
    package let id: UInt32
    /// The primary group.
    package let group: UInt32
  }

  private static let maxFileLength = 1 << 20

  private let passwd: String
  private let group: String

  /// - Parameters: the texts of `/etc/passwd` and `/etc/group`.
  package init(passwd: String, group: String) {
    self.passwd = passwd
    self.group = group
  }

  /// As of now. A file that cannot be read counts as empty, and of a large one the first MiB is used.
  package static func current() -> UserDatabase {
    UserDatabase(passwd: text("/etc/passwd"), group: text("/etc/group"))
  }

  private static func text(_ path: String) -> String {
    String(decoding: (try? SmallFile.prefix(of: path, max: maxFileLength)) ?? [], as: UTF8.self)
  }

  package func user(named name: String) -> User? {
    Self.rows(passwd).first { $0.first.map { $0 == name } == true }.flatMap(Self.user)
  }

  package func user(id: UInt32) -> User? {
    Self.rows(passwd).first { $0.count > 2 && UInt32($0[2]) == id }.flatMap(Self.user)
  }

  /// The groups that list the user, at most 1,024, without the primary one.
  package func supplementaryGroups(of user: User) -> [UInt32] {
    let groups = Self.rows(group).lazy.compactMap { fields -> UInt32? in
      guard fields.count > 3, fields[3].split(separator: ",").contains(where: { $0 == user.name }) else { return nil }
      return UInt32(fields[2])
    }
    return Array(groups.filter { $0 != user.group }.prefix(1_024))
  }

  private static func user(_ fields: [Substring]) -> User? {
    guard fields.count > 3, let id = UInt32(fields[2]), let group = UInt32(fields[3]) else { return nil }
    return User(name: String(fields[0]), id: id, group: group)
  }

  private static func rows(_ text: String) -> some Sequence<[Substring]> {
    text.split(separator: "\n").lazy.map { $0.split(separator: ":", omittingEmptySubsequences: false) }
  }
}
