// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import POSIXSupport
package import ProcessSupervision
package import ProcessSupport
import SystemPackage

/// Makes the directories of a layout, with mode 0700. In the system's layout those of root have 0755, and directories of a
/// peer's user change owner through a descriptor, never by a path below a directory that a user can write.
package struct PlaceMaker: Sendable {
  private let layout: Layout

  package init(layout: Layout) {
    self.layout = layout
  }

  package func makeCommon() throws(SupervisorError) {
    try makeAll(layout.stateDirectory, mode: shared)
    try makeSocketDirectory()
    // Users may reach their own peer's log, and see no others.
    try makeAll(layout.logDirectory, mode: layout.kind == .system ? 0o711 : 0o700)
    try make(layout.supervisorState, mode: 0o700)
    guard access(layout.runDirectory, W_OK) == 0 else {
      throw .system("cannot write to \(layout.runDirectory)", Errno(rawValue: errno), hint: Self.hint)
    }
  }

  /// - Parameter identity: the owner of the peer's files; `nil` for the caller.
  package func make(for peer: PeerName, identity: ProcessSpecification.Identity?) throws(SupervisorError) {
    switch layout.kind {
    case .home, .user:
      try make(layout.state(of: peer), mode: 0o700)
      try makeAll(layout.downloads(of: peer), mode: 0o700)
    case .system:
      try make(layout.state(of: peer), mode: 0o700, owner: identity)
      try makeSocketDirectory(of: peer.text)
    }
  }

  /// - Parameter identity: the owner of the index's files; `nil` for the caller.
  package func makeIndexState(identity: ProcessSpecification.Identity?) throws(SupervisorError) {
    try make(layout.indexState, mode: 0o700, owner: identity)
  }

  /// The mode of directories that every user passes through in the system's layout.
  private var shared: mode_t { layout.kind == .system ? 0o755 : 0o700 }

  /// The directory of the supervisor's socket, or of a child's.
  package func makeSocketDirectory(of child: String? = nil) throws(SupervisorError) {
    try makeAll(layout.runDirectory, mode: shared)
    guard let child, layout.kind == .system else { return }
    try make("\(layout.runDirectory)/\(child)", mode: 0o711)
  }

  private static let hint = "choose another place with P2P_HOME or --home"

  private func makeAll(_ path: String, mode: mode_t) throws(SupervisorError) {
    // Missing parents get the same mode.
    var parent = ""
    for name in path.segments().dropLast() {
      parent += "/\(name)"
      if mkdir(parent, mode) != 0, case let number = errno, number != EEXIST, access(parent, F_OK) != 0 {
        throw .system("cannot create \(parent)", Errno(rawValue: number), hint: Self.hint)
      }
    }
    try make(path, mode: mode)
  }

  private func make(
    _ path: String, mode: mode_t, owner: ProcessSpecification.Identity? = nil
  ) throws(SupervisorError) {
    let isNew = mkdir(path, mode) == 0
    guard isNew || errno == EEXIST else {
      throw .system("cannot create \(path)", Errno(rawValue: errno), hint: Self.hint)
    }
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      // A symbolic link to a directory is the user's choice, but root must not follow one.
      if errno == ELOOP || errno == ENOTDIR, layout.kind != .system, isDirectory(path) { return }
      throw .system("cannot use \(path)", Errno(rawValue: errno), hint: Self.hint)
    }
    defer { close(descriptor) }
    // Undo umask(2): users have to reach their sockets.
    if isNew || isNarrower(descriptor, mode) { fchmod(descriptor, mode) }
    guard let owner else { return }
    guard fchown(descriptor, owner.user, owner.group) == 0 else {
      throw .system("cannot give \(path) to user \(owner.user)", Errno(rawValue: errno))
    }
  }

  /// An earlier version made the machine's log directory with fewer rights.
  private func isNarrower(_ descriptor: Int32, _ mode: mode_t) -> Bool {
    var status = stat()
    return layout.kind == .system && mode == 0o711 && fstat(descriptor, &status) == 0 && status.st_uid == geteuid()
      && status.st_mode & 0o777 == 0o700
  }

  private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

/// Checks socket paths before anything is created.
package enum SocketPathRule {
  /// Unix socket paths are limited to 107 bytes (unix(7)), so a home can lie too deep.
  package static func check(_ layout: Layout, peers: [PeerName]) throws(SupervisorError) {
    for path in [layout.supervisorSocket] + peers.map({ layout.controlSocket(of: $0) })
    where path.utf8.count > UnixSocketAddress.maxPathLength {
      throw SupervisorError(
        .failed,
        "the socket path \(path) has \(path.utf8.count) bytes; the limit is \(UnixSocketAddress.maxPathLength): "
          + "set P2P_HOME (or --home) to a shorter directory")
    }
  }
}
