// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport
import WireProtocol

/// Collects the facts for `doctor`. What does not answer is recorded as a fact, not reported as an error.
struct DoctorProbe {
  /// Longer than all checks of a daemon take together.
  private static let timeout = Duration.seconds(5)
  private static let maxPeers = 64

  let console: Console
  let options: DaemonOptions

  /// - Throws: if the sockets cannot be located, and on Ctrl-C.
  func facts() throws -> DoctorFacts {
    var facts = DoctorFacts(
      version: ProtocolVersion.program, user: geteuid(),
      supervisorSocket: try supervisorSocket(), supervisor: .down(""))
    facts.supervisorIsOfSystem = facts.supervisorSocket == Layout.system.supervisorSocket
    facts.startCommand = StartAdvice(console).command
    try examineSupervisor(&facts)
    if !Self.isReached(facts.supervisor), let layout = try? SupervisorClient(console: console).layout() {
      facts.lostSupervisor = LockedSupervisor.find(in: layout)
    }
    let sockets = try sockets(facts)
    for socket in sockets.prefix(Self.maxPeers) { try examine(socket, &facts) }
    let places = sockets.prefix(Self.maxPeers).compactMap { socket in
      socket.name.flatMap { name in layout(of: socket.path, name).map { (name, $0) } }
    }
    for place in places.flatMap({ FileFacts.places(of: $0, in: $1) })
    where !facts.places.contains(where: { $0.path == place.path }) {
      facts.places.append(place)
    }
    facts.disks = FileFacts.disks(
      places.flatMap { [$1.state(of: $0), $1.downloads(of: $0), $1.logDirectory] }
        + (places.isEmpty ? console.environment.layouts.prefix(1).map(\.stateDirectory) : []))
    for process in facts.processes {
      guard let pid = process.pid, let used = ProcessDescriptors.of(pid, named: process.name) else { continue }
      facts.descriptors.append(used)
    }
    return facts
  }

  // MARK: Asking daemons

  private func examineSupervisor(_ facts: inout DoctorFacts) throws {
    facts.supervisor = try answer(at: facts.supervisorSocket) {
      var connection = try ControlConnection.open(
        facts.supervisorSocket, role: .supervisor, timeout: console.helloTimeout)
      facts.processes = try connection.processes()
      return connection.greeting.server
    }
  }

  private func examine(_ socket: FoundSocket, _ facts: inout DoctorFacts) throws {
    var peer = DoctorFacts.Peer(
      name: socket.name?.text ?? "the daemon", socket: socket.path, answer: .down(""),
      isOfSystem: socket.name.map { Layout.system.controlSocket(of: $0) == socket.path } ?? false)
    peer.isLocked = Self.isLocked(socket, console.environment.layouts)
    peer.answer = try answer(at: socket.path) {
      var connection = try ControlConnection.open(socket.path, role: .peer, timeout: console.helloTimeout)
      peer.name = connection.greeting.name
      peer.status = try connection.request(.status, for: ControlStatusReply.self, timeout: Self.timeout)
      do {
        peer.examination = try connection.request(.doctor, for: ControlDoctorReply.self, timeout: Self.timeout)
      } catch ControlError.failure {
        // An earlier version: its status has to suffice.
      }
      if !facts.processes.contains(where: { $0.name == peer.name }),
        let used = connection.peerProcess.flatMap({ ProcessDescriptors.of($0, named: peer.name) })
      {
        facts.descriptors.append(used)
      }
      return connection.greeting.server
    }
    if isOfAnother(peer.answer, socket, facts) { return }
    facts.peers.append(peer)
  }

  /// Whether a socket that was not asked for belongs to a peer that no longer exists.
  private func isOfAnother(_ answer: DoctorFacts.Answer, _ socket: FoundSocket, _ facts: DoctorFacts) -> Bool {
    guard options.socket == nil, options.peer == nil, socket.name != console.environment.user,
      case .down = answer, !Self.isLocked(socket, console.environment.layouts)
    else { return false }
    return !facts.processes.isEmpty && !facts.processes.contains { $0.name == socket.name?.text }
  }

  private func answer(at path: String, _ ask: () throws -> String) throws -> DoctorFacts.Answer {
    if let obstacle = FileFacts.obstacle(atSocket: path) { return .obstacle(obstacle) }
    do {
      return .answers(server: try ask())
    } catch let error as ControlError {
      switch error {
      case .noSocket: return .down("the socket does not exist")
      case .refused: return .down("nothing is listening")
      case .notPermitted: return .notPermitted
      case .foreignListener(_, let user):
        return .foreignListener(UserDatabase.current().user(id: user)?.name ?? "user id \(user)")
      case .interrupted: throw error
      default: return .unresponsive(CommandFailure(error, whom: "it").message)
      }
    }
  }

  // MARK: Finding sockets

  private func sockets(_ facts: DoctorFacts) throws -> [FoundSocket] {
    if let socket = options.socket {
      let path = try console.absolutePath(socket, orFail: .usage)
      return [FoundSocket(name: SocketSearch.peer(at: path), path: path)]
    }
    let layouts = console.environment.layouts
    let search = console.socketSearch
    do throws(SocketSearch.Failure) {
      if let peer = options.peer { return [try search.controlSocket(of: peer)] }
      let running = facts.processes.filter { $0.role == .peer }.compactMap { try? PeerName($0.name) }
      var found = layouts.flatMap { layout in
        (search.peersOfCaller(in: layout) + lockedPeers(in: layout)).map {
          FoundSocket(name: $0, path: layout.controlSocket(of: $0))
        }
      }
      for name in running { found.append(try search.controlSocket(of: name)) }
      if found.isEmpty, let user = console.environment.user {
        guard !isOfMachine(user) else { return [FoundSocket(name: user, path: Layout.system.controlSocket(of: user))] }
        // A supervisor that runs need not have a peer of this user.
        if case .down = facts.supervisor, facts.lostSupervisor == nil { return [try search.controlSocket(of: user)] }
      }
      var names = Set<PeerName?>()
      return found.filter { names.insert($0.name).inserted }
    } catch {
      throw CommandFailure(error)
    }
  }

  /// The machine's one if there is none of this user, and also while it is stopped, for a user whose peer belongs to it.
  private func supervisorSocket() throws -> String {
    let (own, machine) = (try SupervisorClient(console: console).layout(), Layout.system)
    guard access(own.supervisorSocket, F_OK) != 0, LockedSupervisor.find(in: own) == nil,
      console.environment.layouts.contains(machine),
      access(machine.supervisorSocket, F_OK) == 0 || console.environment.user.map(isOfMachine) == true
    else { return own.supervisorSocket }
    return machine.supervisorSocket
  }

  /// Whether this user's peer belongs to the machine's installation: its state is there, and there is none of the user's.
  private func isOfMachine(_ user: PeerName) -> Bool {
    let layouts = console.environment.layouts
    guard layouts.count > 1, layouts.contains(.system), let own = layouts.first else { return false }
    var status = stat()
    return stat(Layout.system.state(of: user), &status) == 0 && status.st_uid == geteuid()
      && stat(own.state(of: user), &status) != 0
  }

  /// The peers that run, also without their sockets.
  private func lockedPeers(in layout: Layout) -> [PeerName] {
    let names = try? DirectoryNames.read(layout.stateDirectory, max: 1_000) { bytes -> PeerName? in
      (try? PeerName(String(decoding: bytes, as: UTF8.self))).flatMap { Self.isLocked($0, layout) ? $0 : nil }
    }
    return (names ?? []).sorted { $0.text < $1.text }
  }

  /// Whether a process uses the catalogue of a peer.
  private static func isLocked(_ name: PeerName, _ layout: Layout) -> Bool {
    FileLock.isHeld("\(layout.state(of: name))/lock")
  }

  private static func isLocked(_ socket: FoundSocket, _ layouts: [Layout]) -> Bool {
    guard let name = socket.name else { return false }
    return layouts.contains { $0.controlSocket(of: name) == socket.path && isLocked(name, $0) }
  }

  private static func isReached(_ answer: DoctorFacts.Answer) -> Bool {
    switch answer {
    case .answers, .notPermitted, .unresponsive: true
    case .down, .foreignListener, .obstacle: false
    }
  }

  private func layout(of socket: String, _ name: PeerName) -> Layout? {
    SocketSearch.layouts(of: socket, among: console.environment.layouts).first { $0.controlSocket(of: name) == socket }
  }
}
