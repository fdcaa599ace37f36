// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// Decides whether a front end may talk to the process that listens on a control socket. Anybody can listen in a directory
/// that others can write, and would receive paths, keys and addresses.
package enum ListenerTrust {
  /// - Parameters:
  ///   - listener: the user of the process that listens: SO_PEERCRED in unix(7).
  ///   - caller: the effective user of the front end.
  ///   - owner: the owner of the socket's file if only root could have put it there, else `nil`.
  package static func isTrusted(listener: UInt32, caller: UInt32, owner: UInt32?) -> Bool {
    // The index of the machine runs as another user and listens on the socket that root bound and passed to it: listen(2)
    // changes what SO_PEERCRED says. Nobody else can bind one there.
    listener == caller || listener == 0 || (caller == 0 && (listener == owner || owner == 0))
  }

  /// Whether the connected socket may be used; `path` is the one that it was connected to.
  static func isTrusted(_ listener: PeerCredentials, at path: String) -> Bool {
    isTrusted(listener: listener.user, caller: geteuid(), owner: owner(ofProtected: path))
  }

  /// The owner of a file in a directory of root that nobody else can write, such as /run/p2p/NAME: the supervisor of the
  /// machine gives a peer's socket to the peer's user there. `nil` for all others, also where a parent is not root's.
  static func owner(ofProtected path: String) -> UInt32? {
    guard path.beginsWithSlash else { return nil }
    var directory = ""
    for part in path.segments().dropLast() {
      directory += "/\(part)"
      guard let status = status(directory), status.st_mode & S_IFMT == S_IFDIR, status.st_uid == 0,
        status.st_mode & 0o022 == 0
      else { return nil }
    }
    guard let status = status(path), status.st_mode & S_IFMT == S_IFSOCK else { return nil }
    return status.st_uid
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
  }
}
