// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport
import ProcessSupervision
import SupervisorDaemon
import SystemPackage
import TestSupport
import Testing
import WireProtocol

@Suite struct BlueprintBuilderTests {
  private let directory: TemporaryDirectory
  private let layout: Layout
  private let bob: PeerName

  init() throws {
    directory = try TemporaryDirectory()
    layout = Layout(home: directory.file("home"))
    bob = try PeerName("bob")
    try PlaceMaker(layout: layout).makeCommon()
    // Every child's program exists and can be executed.
    for program in ["p2p-index", "p2p-peer"] { #expect(symlink("/bin/true", directory.file(program)) == 0) }
  }

  private func builder(
    serving index: Endpoint? = nil, users: (() -> UserDatabase?)? = nil,
    log: @escaping BlueprintBuilder.Log = { _, _ in }
  ) throws -> BlueprintBuilder {
    let flags = RunFlags(serveIndex: index, index: index == nil ? .defaultIndex : nil, peers: [.init(name: bob)])
    let options = SupervisorOptions(
      layout: layout, plan: try RunPlan(flags: flags, settings: nil, ownName: nil), programs: directory.path)
    return BlueprintBuilder(
      options: options, portsPath: directory.file("ports.json"), readUsers: users, log: log)
  }

  /// An address that nothing listens at, on a host of its own to stay out of the way of other tests.
  private func freePort() throws -> Endpoint {
    let socket = try ListeningSocket.tcp(Endpoint(host: "127.0.0.9", port: 0))
    defer { socket.close() }
    return try #require(socket.endpoint)
  }

  private func plan(_ listen: Endpoint) -> RunPlan.Peer { .init(name: bob, listen: listen, user: nil) }

  @Test func `index has its key in a directory of its own, and learns which plain connections to take`() throws {
    let listen = try freePort()
    let blueprints = try builder(serving: listen).build()
    defer { for blueprint in blueprints { blueprint.closeListeners() } }
    guard case .index(let settings) = blueprints.first?.settings, case .peer(let peer) = blueprints.last?.settings
    else {
      Issue.record("no index and peer")
      return
    }
    #expect(settings.state == layout.indexState && settings.plain == .loopback && peer.plain == .loopback)
    var status = stat()
    #expect(stat(layout.indexState, &status) == 0 && status.st_mode & 0o777 == 0o700)
  }

  @Test func `index of a closed network has an operator and a socket for it`() throws {
    let index = try #require(try builder(serving: Endpoint(host: "", port: 0)).build().first)
    defer { index.closeListeners() }
    guard case .index(let settings) = index.settings else {
      Issue.record("no index")
      return
    }
    #expect(settings.operatorUser == geteuid())
    #expect(index.control?.path == layout.indexSocket && index.start.listeners.control != nil)
    var status = stat()
    #expect(lstat(layout.indexSocket, &status) == 0 && status.st_mode & 0o777 == 0o600)
    let open = try #require(try builder(serving: try freePort()).build().first)
    defer { open.closeListeners() }
    #expect(open.control == nil)
  }

  @Test func `nobody runs an index on loopback only, and without a key`() throws {
    let users = {
      UserDatabase(passwd: "bob:x:\(getuid()):\(getgid())::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", group: "")
    }
    let onLoopback = try builder(serving: try freePort(), users: users).build()
    for blueprint in onLoopback { blueprint.closeListeners() }
    guard case .index(let settings) = onLoopback.first?.settings else {
      Issue.record("no index")
      return
    }
    #expect(settings.state == nil)
    let everywhere = try builder(serving: Endpoint(host: "", port: 0), users: users)
    let error = #expect(throws: SupervisorError.self) { try everywhere.build() }
    #expect(error?.message.contains("create the user p2p") == true)
  }

  @Test func `failed peer leaves no socket open`() throws {
    let listen = try freePort()
    let obstacle = layout.controlSocket(of: bob)
    try #require(close(open(obstacle, O_CREAT | O_WRONLY, 0o600)) == 0)
    // It cannot be moved aside either.
    try #require(mkdir(obstacle + ".aside", 0o700) == 0 && mkdir(obstacle + ".aside/x", 0o700) == 0)
    let builder = try builder()
    for _ in 0..<2 {
      let error = #expect(throws: SupervisorError.self) { try builder.peer(plan(listen), index: .defaultIndex) }
      #expect(error?.message.contains(obstacle) == true)
    }
    // A socket that was left open would still own the port.
    try ListeningSocket.tcp(listen).close()
    try #require(unlink(obstacle) == 0)
    try builder.peer(plan(listen), index: .defaultIndex).closeListeners()
  }

  @Test func `missing program leaves no socket open`() throws {
    let listen = try freePort()
    try #require(unlink(directory.file("p2p-peer")) == 0)
    let builder = try builder()
    #expect(throws: SupervisorError.self) { try builder.peer(plan(listen), index: .defaultIndex) }
    try ListeningSocket.tcp(listen).close()
    #expect(access(layout.controlSocket(of: bob), F_OK) != 0)
  }

  @Test func `failure closes children built before`() throws {
    let index = try freePort()
    try #require(unlink(directory.file("p2p-peer")) == 0)
    let builder = try builder(serving: index)
    #expect(throws: SupervisorError.self) { try builder.build() }
    try ListeningSocket.tcp(index).close()
    try #require(unlink(directory.file("p2p-index")) == 0)
    #expect(throws: SupervisorError.self) { try builder.build() }
    try ListeningSocket.tcp(index).close()
  }

  @Test func `users created later are found`() throws {
    let path = try directory.write("passwd", Array("root:x:0:0::/root:/bin/sh\n".utf8))
    let builder = try builder {
      UserDatabase(passwd: String(decoding: TemporaryDirectory.read(path) ?? [], as: UTF8.self), group: "")
    }
    let any = plan(Endpoint(host: "127.0.0.1", port: 0))
    let error = #expect(throws: SupervisorError.self) { try builder.peer(any, index: .defaultIndex) }
    #expect(error?.message.contains("user bob") == true)
    try directory.write("passwd", Array("bob:x:\(getuid()):\(getgid())::/:/bin/sh\n".utf8))
    let blueprint = try builder.peer(any, index: .defaultIndex)
    defer { blueprint.closeListeners() }
    #expect(blueprint.identity == .init(user: getuid(), group: getgid()))
  }

  // MARK: Blueprints

  /// The numbers in the first line have to be those of the descriptor map.
  @Test func `first line names the descriptors that the child gets`() throws {
    let blueprint = try builder(users: { UserDatabase(passwd: "bob:x:\(getuid()):\(getgid())::/:/bin/sh\n", group: "") }
    )
    .peer(plan(Endpoint(host: "127.0.0.1", port: 0)), index: .defaultIndex)
    defer { blueprint.closeListeners() }
    let limit = ProcessSpecification.Limit(resource: 7, soft: 100, hard: 100)
    let specification = blueprint.specification(
      input: 500, output: 501, channel: 502, limits: [limit], deathSignal: SIGKILL)
    let sources = Dictionary(specification.descriptors.map { ($0.target, $0.source) }) { first, _ in first }
    #expect(sources.count == 6 && specification.descriptors.count == 6)
    #expect(sources[0] == 500 && sources[1] == 501 && sources[2] == 501)
    let channel = try #require(specification.environment["P2P_CHANNEL"].flatMap { Int32($0) })
    #expect(sources[channel] == 502)
    let (start, opened) = (blueprint.start, blueprint.listeners.map(\.socket.descriptor.rawValue))
    #expect(start.name == "bob" && start.role == .peer && start.listeners.index == nil)
    #expect(try [sources[#require(start.listeners.uploads)], sources[#require(start.listeners.control)]] == opened)
    #expect(specification.limits == [limit] && specification.deathSignal == SIGKILL && specification.directory == "/")
    #expect(specification.identity == .init(user: getuid(), group: getgid()))
  }

  @Test func `address is that of the network socket`() throws {
    let index = try freePort()
    let blueprints = try builder(serving: index).build()
    defer { for blueprint in blueprints { blueprint.closeListeners() } }
    try #require(blueprints.map(\.name) == ["index", "bob"])
    #expect(blueprints[0].address == "\(index)")
    #expect(blueprints[1].address.hasPrefix("127.0.0.1:") && !blueprints[1].address.hasSuffix(":0"))
    guard case .peer(let settings) = blueprints[1].settings else {
      Issue.record("bob is not a peer")
      return
    }
    #expect(settings.index == index, "a peer learns the actual address of the served index")
  }

  @Test func `upload port is remembered`() throws {
    let any = plan(Endpoint(host: "127.0.0.9", port: 0))
    let first = try builder().peer(any, index: .defaultIndex)
    first.closeListeners()
    let second = try builder().peer(any, index: .defaultIndex)
    #expect(second.address == first.address)
    // While that port is in use, another one is chosen.
    try #require(unlink(layout.controlSocket(of: bob)) == 0)
    var warnings: [String] = []
    let third = try builder(log: { if $1 == .warning { warnings.append($0) } }).peer(any, index: .defaultIndex)
    #expect(warnings.count == 1 && warnings.first?.hasPrefix("the upload port ") == true)
    #expect(third.address != second.address)
    for (blueprint, isTaken) in [(second, false), (third, true)] {
      guard case .peer(let settings) = blueprint.settings else { Issue.record("not a peer"); continue }
      #expect((settings.portTaken != nil) == isTaken)
    }
    second.closeListeners()
    third.closeListeners()
  }
}
