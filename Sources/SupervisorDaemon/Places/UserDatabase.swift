// SPDX-License-Identifier: Apache-2.0

package import ProcessSupervision

/// The users of this machine as passwd(5) and group(5) have them. Read as text: a static executable cannot load the
/// modules of the name service, so users that are known elsewhere are named by number.
package struct UserDatabase: Sendable {
  private let passwd: String
  private let group: String

  package init(passwd: String, group: String) {
    self.passwd = passwd
    self.group = group
  }

  /// - Parameter user: a login name, or `uid:gid` in figures. `nil` where there is no such user.
  package func identity(of user: String) -> ProcessSpecification.Identity? {
    let numbers = user.split(separator: ":", omittingEmptySubsequences: false)
    if numbers.count == 2, let uid = UInt32(numbers[0]), let gid = UInt32(numbers[1]) {
      return .init(user: uid, group: gid)
    }
    for fields in Self.rows(passwd) where fields.count >= 4 && fields[0] == user {
      guard let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
      return .init(user: uid, group: gid, supplementaryGroups: groups(of: user).filter { $0 != gid })
    }
    return nil
  }

  private func groups(of user: String) -> [UInt32] {
    // NGROUPS_MAX of the kernel is 65,536; nobody is in so many.
    Self.rows(group).compactMap { fields -> UInt32? in
      guard fields.count >= 4, fields[3].split(separator: ",").contains(where: { $0 == user }) else { return nil }
      return UInt32(fields[2])
    }.prefix(1_024).map { $0 }
  }

  private static func rows(_ text: String) -> some Sequence<[Substring]> {
    text.split(separator: "\n").lazy.map { $0.split(separator: ":", omittingEmptySubsequences: false) }
  }
}
