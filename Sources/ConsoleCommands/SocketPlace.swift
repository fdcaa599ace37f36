// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupport

/// What the path of a control socket tells of where it lies.
enum SocketPlace {
  /// The peer whose control socket it is, by the name of the file or of its directory.
  static func peer(at socket: String) -> PeerName? {
    let parts = socket.split(separator: "/")
    guard let file = parts.last else { return nil }
    if file == "control.sock" { return parts.dropLast().last.flatMap { try? PeerName(String($0)) } }
    return file.hasSuffix(".sock") ? try? PeerName(String(file.dropLast(5))) : nil
  }

  /// The layouts in which it may lie: some of those that are known, or one of its own.
  static func layouts(of socket: String, among known: [Layout]) -> [Layout] {
    let parts = socket.split(separator: "/")
    let candidates = known + [Layout(home: "/" + parts.dropLast(2).joined(separator: "/"))]
    guard let name = peer(at: socket) else { return candidates }
    return candidates.filter { $0.controlSocket(of: name) == socket }
  }
}
