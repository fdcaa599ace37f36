// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

extension PeerName {
  /// The name of the peer that belongs to a user: the login name, with what a peer name must not hold replaced by `_`.
  ///
  /// The user data base is read as text, because a static executable cannot load the modules of the name service;
  /// users that are known elsewhere are taken from `LOGNAME` or `USER`.
  /// - Parameter passwd: the text of `/etc/passwd`: passwd(5).
  package static func ofUser(uid: UInt32, passwd: String, environment: (String) -> String?) -> PeerName? {
    let login = login(of: uid, in: passwd) ?? environment("LOGNAME") ?? environment("USER")
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
    ofUser(uid: getuid(), passwd: passwdText()) { name in getenv(name).map { String(cString: $0) } }
  }

  private static func login(of uid: UInt32, in passwd: String) -> String? {
    for line in passwd.split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      if fields.count > 2, UInt32(fields[2]) == uid { return String(fields[0]) }
    }
    return nil
  }

  /// At most the first MiB; empty where it cannot be read.
  private static func passwdText() -> String {
    let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while bytes.count < 1 << 20 {
      let count = read(file, &chunk, chunk.count)
      guard count > 0 else { break }
      bytes += chunk.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
