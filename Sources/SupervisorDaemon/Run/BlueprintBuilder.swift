// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
package import POSIXSupport
package import ProcessSupport
package import ProcessSupervision
import SystemPackage
import WireProtocol

/// Turns a plan, or a part of it, into children: opens their sockets, makes their directories, finds their users and
/// programs. On failure everything that it opened is closed again.
package struct BlueprintBuilder {
  package typealias Log = (_ message: String, _ level: LogStyle.Level) -> Void

  private let options: SupervisorOptions
  private let portsPath: String
  private let log: Log
  private let readUsers: () -> UserDatabase?

  /// - Parameter readUsers: called for every child, because users come and go while the supervisor runs. `nil` if children
  ///   run as the caller.
  package init(
    options: SupervisorOptions, portsPath: String, readUsers: (() -> UserDatabase?)? = nil,
    log: @escaping Log
  ) {
    self.options = options
    self.portsPath = portsPath
    self.log = log
    // Only a root supervisor of the whole system runs children as other users.
    let hasUsers = options.layout.kind == .system && geteuid() == 0
    self.readUsers = readUsers ?? { hasUsers ? .current() : nil }
  }

  package func build() throws(SupervisorError) -> [ChildBlueprint] {
    var blueprints: [ChildBlueprint] = []
    do throws(SupervisorError) {
      try build(into: &blueprints)
    } catch {
      for blueprint in blueprints { blueprint.closeListeners() }
      throw error
    }
    return blueprints
  }

  private func build(into blueprints: inout [ChildBlueprint]) throws(SupervisorError) {
    let served = try index()
    if let served { blueprints.append(served) }
    let index = Self.indexOfPeers(options.plan, served: served)
    for peer in options.plan.peers {
      blueprints.append(try self.peer(peer, index: index.address, isOwn: index.isOwn))
    }
  }

  private func remember(_ port: UInt16?, of name: PeerName) {
    var ports = rememberedPorts
    guard ports[name.text] != port else { return }
    ports[name.text] = port
    do throws(SystemError) {
      try SmallFile.replace(portsPath, with: ports.bytes)
    } catch {
      log("cannot write \(portsPath): \(error); upload ports may change after a restart", .warning)
    }
  }

  private var rememberedPorts: PortMemory { (try? SmallFile.read(portsPath)).map { PortMemory($0) } ?? PortMemory() }

  // MARK: The index

  /// `nil` if none is to be served, or if the default one runs already.
  private func index() throws(SupervisorError) -> ChildBlueprint? {
    guard let plan = options.plan.index else { return nil }
    let identity = try indexIdentity(plan)
    let state = try indexState(plan, identity)
    let socket: ListeningSocket
    do throws(ListeningSocket.Failure) {
      socket = try ListeningSocket.tcp(plan.listen)
    } catch {
      guard plan.isDefault, error.isAddressInUse, let address = SocketAddress(plan.listen),
        IndexProbe.answers(at: address)
      else { throw Self.explain(error, isDefaultIndex: plan.isDefault) }
      log("an index already answers at \(plan.listen): using it", .info)
      return nil
    }
    var listeners = [ChildBlueprint.Listener(kind: .index, socket: socket)]
    let executable: String
    do throws(SupervisorError) {
      executable = try program("p2p-index")
      if !options.plan.isOpen { listeners.append(.init(kind: .control, socket: try indexControl())) }
    } catch {
      socket.close()
      throw error
    }
    var settings = IndexSettings(
      address: socket.endpoint ?? plan.listen, allowAdvertise: plan.allowAdvertise, bounds: plan.bounds, state: state)
    settings.plain = options.plan.plain
    if !options.plan.isOpen { settings.operatorUser = geteuid() }
    return ChildBlueprint(
      name: ProcessRole.index.rawValue, executable: executable, settings: .index(settings), listeners: listeners,
      identity: identity,
      environment: options.childEnvironment, log: options.logTarget(of: ProcessRole.index.rawValue))
  }

  /// The address at which the peers of this machine reach their index, and whether it is that of this supervisor.
  ///
  /// - Parameter served: the index of this supervisor, if it has one.
  static func indexOfPeers(_ plan: RunPlan, served: ChildBlueprint?) -> (address: Endpoint, isOwn: Bool) {
    let bound = served?.listeners.compactMap(\.socket.endpoint).first
    switch plan.peersIndex {
    case .at(let endpoint):
      let isEverywhere = bound.map { WildcardAddress.hosts.contains($0.host) } ?? false
      return (endpoint, endpoint == bound || (isEverywhere && endpoint.isLoopback && endpoint.port == bound?.port))
    case .served:
      let endpoint = bound ?? plan.index?.listen ?? .defaultIndex
      let listensEverywhere = endpoint.host.isEmpty || WildcardAddress.hosts.contains(endpoint.host)
      return (Endpoint(host: listensEverywhere ? "127.0.0.1" : endpoint.host, port: endpoint.port), bound != nil)
    }
  }

  // MARK: Peers

  package func peer(
    _ plan: RunPlan.Peer, index: Endpoint, isOwn: Bool = false
  ) throws(SupervisorError) -> ChildBlueprint {
    let name = plan.name
    let layout = options.layout
    let executable = try program("p2p-peer")
    let identity = try identity(of: plan)
    try PlaceMaker(layout: layout).make(for: name, identity: identity)
    let known = rememberedPorts[name.text]
    let listeners = try listeners(plan, identity, remembered: known)
    let port = listeners.compactMap(\.socket.endpoint).first?.port
    let isTaken = plan.listen.port == 0 && known != nil && known != port
    if isTaken {
      log("the upload port \(known ?? 0) of \(name) is taken by another program: using \(port ?? 0)", .warning)
    }
    remember(port, of: name)
    var settings = PeerSettings(
      state: layout.state(of: name), control: layout.controlSocket(of: name), index: index,
      downloads: layout.downloads(of: name), isAutomatic: plan.isAutomatic, advertise: plan.advertise,
      portTaken: isTaken ? known : nil, privateDirectories: layout.privateDirectories)
    settings.isOwnIndex = isOwn
    settings.forgetsConnect = options.plan.forgetsConnect
    settings.plain = options.plan.plain
    settings.grace = options.plan.grace
    return ChildBlueprint(
      name: name.text, executable: executable, settings: .peer(settings), listeners: listeners,
      identity: identity, environment: options.childEnvironment,
      log: options.logTarget(of: name.text, reader: identity?.user))
  }

  /// The sockets of uploads and of the control plane: both are opened, or neither.
  private func listeners(
    _ plan: RunPlan.Peer, _ identity: ProcessSpecification.Identity?, remembered: UInt16?
  ) throws(SupervisorError) -> [ChildBlueprint.Listener] {
    var listeners: [ChildBlueprint.Listener] = []
    do throws(SupervisorError) {
      do throws(ListeningSocket.Failure) {
        let uploads = try Self.uploads(plan.listen, remembered: remembered)
        listeners.append(.init(kind: .uploads, socket: uploads))
      } catch {
        throw Self.explain(error, isDefaultIndex: false)
      }
      listeners.append(.init(kind: .control, socket: try control(of: plan.name, identity)))
    } catch {
      for listener in listeners { listener.socket.close() }
      throw error
    }
    return listeners
  }

  /// Opens the control socket of a peer, in a directory that may have to be made.
  package func control(
    of peer: PeerName, _ identity: ProcessSpecification.Identity?
  ) throws(SupervisorError) -> ListeningSocket {
    let path = options.layout.controlSocket(of: peer)
    try PlaceMaker(layout: options.layout).makeSocketDirectory(of: peer.text)
    let socket = try Self.unix(path)
    if let identity, lchown(path, identity.user, identity.group) != 0 {
      let number = errno
      socket.close()
      throw .system("cannot give \(path) to its user", Errno(rawValue: number))
    }
    return socket
  }

  /// Opens the control socket of the index, which belongs to the user of the supervisor.
  package func indexControl() throws(SupervisorError) -> ListeningSocket {
    try PlaceMaker(layout: options.layout).makeSocketDirectory(of: ProcessRole.index.rawValue)
    return try Self.unix(options.layout.indexSocket)
  }

  /// Opens the supervisor's own control socket.
  package func supervisorSocket() throws(SupervisorError) -> ListeningSocket {
    try PlaceMaker(layout: options.layout).makeSocketDirectory()
    return try Self.unix(options.layout.supervisorSocket)
  }

  private static func unix(_ path: String) throws(SupervisorError) -> ListeningSocket {
    do throws(ListeningSocket.Failure) {
      return try ListeningSocket.unix(path)
    } catch {
      throw explain(error, isDefaultIndex: false)
    }
  }

  /// Uses the remembered port if any port would do and it is free.
  private static func uploads(
    _ listen: Endpoint, remembered: UInt16?
  ) throws(ListeningSocket.Failure) -> ListeningSocket {
    if listen.port == 0, let remembered,
      let socket = try? ListeningSocket.tcp(Endpoint(host: listen.host, port: remembered))
    {
      return socket
    }
    return try ListeningSocket.tcp(listen)
  }

  private func identity(of peer: RunPlan.Peer) throws(SupervisorError) -> ProcessSpecification.Identity? {
    guard let users = readUsers() else { return nil }
    let user = peer.user ?? peer.name.text
    guard let identity = users.identity(of: user) else {
      throw SupervisorError(
        .failed,
        "peer \(peer.name) cannot run as user \(user), which is not in /etc/passwd: "
          + "set user = under [peers.\(peer.name)] to a login name or uid:gid")
    }
    return identity
  }

  /// The user `nobody`, as other services may run as well.
  private static let sharedUser: UInt32 = 65_534

  /// The directory of the index's key. On loopback it needs none, so that nobody may run it.
  private func indexState(
    _ plan: RunPlan.Index, _ identity: ProcessSpecification.Identity?
  ) throws(SupervisorError) -> String? {
    if let identity, identity.user == Self.sharedUser {
      guard plan.listen.isLoopback, options.plan.isOpen else {
        throw SupervisorError(
          .failed,
          "an index that other machines reach, or whose network is closed, has a key, and needs a user of its own: "
            + "create the user p2p "
            + "(useradd --system p2p), or set user = under [index]")
      }
      return nil
    }
    try PlaceMaker(layout: options.layout).makeIndexState(identity: identity)
    return options.layout.indexState
  }

  /// Any unprivileged user will do on loopback; a dedicated one is safer than one shared with others.
  private func indexIdentity(_ plan: RunPlan.Index) throws(SupervisorError) -> ProcessSpecification.Identity? {
    guard let users = readUsers() else { return nil }
    guard let user = plan.user else {
      return users.identity(of: "p2p") ?? users.identity(of: "nobody") ?? .init(user: 65_534, group: 65_534)
    }
    guard let identity = users.identity(of: user) else {
      throw SupervisorError(
        .failed,
        "the index cannot run as user \(user), which is not in /etc/passwd: "
          + "set user = under [index] to a login name or uid:gid")
    }
    return identity
  }

  private func program(_ name: String) throws(SupervisorError) -> String {
    let path = "\(options.programs)/\(name)"
    guard access(path, X_OK) == 0 else {
      throw .system("cannot execute \(path)", Errno(rawValue: errno), hint: "install all programs side by side")
    }
    return path
  }

  // MARK: Failures

  package static func explain(_ failure: ListeningSocket.Failure, isDefaultIndex: Bool) -> SupervisorError {
    switch failure.what {
    case .notAnAddress(let endpoint):
      return SupervisorError(
        .usage, "cannot listen at \(endpoint): use a numeric address, localhost, or :PORT for all addresses")
    case .unix(let path):
      let hint = failure.errno == .fileExists ? "a file that is not a socket is in the way; move it" : nil
      return .system("cannot listen at \(path)", failure.errno, hint: hint)
    case .tcp(let endpoint) where failure.isAddressInUse && isDefaultIndex:
      return SupervisorError(
        .failed,
        "\(endpoint) is in use by another program: serve the index elsewhere with "
          + "--serve-index HOST:PORT and --peer NAME, or use another index with --index HOST:PORT")
    case .tcp(let endpoint) where failure.isAddressInUse:
      return SupervisorError(
        .failed, "\(endpoint) is in use by another program: choose another port, or 0 for any free one")
    case .tcp(let endpoint):
      return .system("cannot listen at \(endpoint)", failure.errno)
    }
  }
}

extension UserDatabase {
  /// - Parameter user: a login name, or a numeric `uid:gid` for users that /etc/passwd does not list.
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
