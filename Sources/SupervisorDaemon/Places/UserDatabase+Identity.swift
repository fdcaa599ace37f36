// SPDX-License-Identifier: Apache-2.0

package import POSIXSupport
package import ProcessSupervision

extension UserDatabase {
  /// - Parameter user: a login name, or `uid:gid` in figures for users that /etc/passwd does not list.
  /// - Returns: `nil` if there is no such user.
  package func identity(of user: String) -> ProcessSpecification.Identity? {
    let numbers = user.split(separator: ":", omittingEmptySubsequences: false)
    if numbers.count == 2, let uid = UInt32(numbers[0]), let gid = UInt32(numbers[1]) {
      return .init(user: uid, group: gid)
    }
    guard let user = self.user(named: user) else { return nil }
    return .init(user: user.id, group: user.group, supplementaryGroups: supplementaryGroups(of: user))
  }
}
