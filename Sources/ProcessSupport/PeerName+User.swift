// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
package import POSIXSupport

extension PeerName {
  /// The name of the peer that belongs to a user: the login name, with what a peer name must not hold replaced by `_`.
  ///
  /// A user that /etc/passwd does not list is named by `LOGNAME` or `USER`.
  package static func ofUser(uid: UInt32, in users: UserDatabase, environment: (String) -> String?) -> PeerName? {
    let login = users.user(id: uid)?.name ?? environment("LOGNAME") ?? environment("USER")
    guard let login, !login.isEmpty else { return try? PeerName("user\(uid)") }
    let allowed = login.unicodeScalars.prefix(maximumLength).map { scalar -> Character in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "-": Character(scalar)
      default: "_"
      }
    }
    var text = String(allowed)
    if text.hasPrefix(".") || text.hasPrefix("-") { text = "_" + text.dropFirst() }
    return (try? PeerName(text)) ?? (try? PeerName("\(text)_"))
  }

  /// The name of the peer that belongs to the caller of this process.
  package static func ofCurrentUser() -> PeerName? {
    ofUser(uid: getuid(), in: .current()) { name in getenv(name).map { String(cString: $0) } }
  }
}
