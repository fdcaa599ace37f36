// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import POSIXSupport
package import ProcessSupport

/// The path of a control socket, which may not exist.
package struct FoundSocket: Equatable {
  /// `nil` if only the path was given.
  package let name: PeerName?
  package let path: String

  package init(name: PeerName?, path: String) {
    self.name = name
    self.path = path
  }
}

/// Finds the control socket of a peer or of the supervisor in the known layouts.
///
/// The first layout is the caller's own. In the others, which are those of the machine, only what the caller may use counts:
/// the service of a machine must not stand in the way of those whom it does not serve.
package struct SocketSearch {
  package enum Failure: Error, Equatable {
    /// Several peers are running, and none was selected.
    case severalPeers([PeerName])
    /// Neither `P2P_HOME` nor `HOME` is set.
    case nowhere
  }

  /// In search order.
  package let layouts: [Layout]
  /// The current user's name, which is the default name of their peer.
  package let user: PeerName?
  /// The effective user id of the caller.
  private let caller: UInt32

  package init(layouts: [Layout], user: PeerName?, caller: UInt32 = geteuid()) {
    self.layouts = layouts
    self.user = user
    self.caller = caller
  }

  /// The socket of a peer. If it does not exist, the path is where it would be created.
  /// - Parameter name: `nil` selects the only peer, or the one named after the user.
  package func controlSocket(of name: PeerName?) throws(Failure) -> FoundSocket {
    guard let first = layouts.first else { throw .nowhere }
    if let name {
      let found = layouts.lazy.map { $0.controlSocket(of: name) }.first { Self.isSocket($0) }
      return FoundSocket(name: name, path: found ?? first.controlSocket(of: name))
    }
    var sockets = Self.unique(
      layouts.flatMap { layout in
        peersOfCaller(in: layout).map { FoundSocket(name: $0, path: layout.controlSocket(of: $0)) }
      })
    // Killed daemons leave their sockets behind; those must not make the choice ambiguous.
    if sockets.count > 1 { sockets = Self.preferringListening(sockets) }
    if let own = sockets.first(where: { $0.name == user }) { return own }
    if sockets.count == 1, let only = sockets.first { return only }
    guard sockets.isEmpty else { throw .severalPeers(sockets.compactMap(\.name).sorted { $0.text < $1.text }) }
    guard let user else { throw .nowhere }
    return FoundSocket(name: user, path: first.controlSocket(of: user))
  }

  /// The layout of the caller's supervisor: with its socket, else with its lock, else where it would be started.
  package func supervisorLayout() throws(Failure) -> Layout {
    let found =
      layouts.first { Self.isSocket($0.supervisorSocket) && serves($0) }
      ?? layouts.first { FileLock.isHeld($0.supervisorLock) } ?? layouts.first
    guard let found else { throw .nowhere }
    return found
  }

  // MARK: What the caller may use

  /// Whether the supervisor of a layout is the caller's, or runs a peer of theirs.
  package func serves(_ layout: Layout) -> Bool {
    layout == layouts.first || isOwned(layout.supervisorSocket) || !peersOfCaller(in: layout).isEmpty
  }

  /// The peers with a socket in a layout, sorted by name, without those of other users on the machine.
  package func peersOfCaller(in layout: Layout) -> [PeerName] {
    let peers = Self.peers(in: layout)
    return layout == layouts.first ? peers : peers.filter { isOwned(layout.controlSocket(of: $0)) }
  }

  private func isOwned(_ path: String) -> Bool {
    var status = stat()
    return caller == 0 || (lstat(path, &status) == 0 && status.st_uid == caller)
  }

  // MARK: Sockets on disk

  /// The peers with a socket in a layout, sorted by name; at most 1,000.
  package static func peers(in layout: Layout) -> [PeerName] {
    let suffix = layout.kind == .system ? "" : ".sock"
    let names = try? DirectoryNames.read(layout.runDirectory, max: 1_000) { bytes -> PeerName? in
      let file = String(decoding: bytes, as: UTF8.self)
      guard file.hasSuffix(suffix), let name = try? PeerName(String(file.dropLast(suffix.count))),
        isSocket(layout.controlSocket(of: name))
      else { return nil }
      return name
    }
    return (names ?? []).sorted { $0.text < $1.text }
  }

  private static func unique(_ sockets: [FoundSocket]) -> [FoundSocket] {
    var seen = Set<PeerName?>()
    return sockets.filter { seen.insert($0.name).inserted }
  }

  private static func preferringListening(_ sockets: [FoundSocket]) -> [FoundSocket] {
    let listening = sockets.filter { socket in
      do throws(ControlError) {
        _ = try UnixStream(connectingTo: socket.path, timeout: .seconds(1))
        return true
      } catch {
        return error != .refused(socket.path)
      }
    }
    return listening.isEmpty ? sockets : listening
  }

  private static func isSocket(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }
}

// MARK: Reading a path

extension SocketSearch {
  /// The peer whose control socket this is, from the name of the file or of its directory.
  package static func peer(at socket: String) -> PeerName? {
    let parts = socket.segments()
    guard let file = parts.last else { return nil }
    if file == "control.sock" { return parts.dropLast().last.flatMap { try? PeerName(String($0)) } }
    return file.hasSuffix(".sock") ? try? PeerName(String(file.dropLast(5))) : nil
  }

  /// The layouts that the socket may belong to: those of `known` that match, or one derived from its path.
  package static func layouts(of socket: String, among known: [Layout]) -> [Layout] {
    let parts = socket.segments()
    let candidates = known + [Layout(home: "/" + parts.dropLast(2).joined(separator: "/"))]
    guard let name = peer(at: socket) else { return candidates }
    return candidates.filter { $0.controlSocket(of: name) == socket }
  }
}

extension Console {
  /// The search in the places of this user.
  var socketSearch: SocketSearch { SocketSearch(layouts: environment.layouts, user: environment.user) }
}
