// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import IndexServer
import LineJSON
import LineTransport
import Logging
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import WireProtocol

/// Whole peers in this process, with an index that can start and stop. Blocking parts run on their own threads.
final class DaemonFixture: Sendable {
  let directory: TemporaryDirectory
  /// The address of the index; the port stays reserved while it is not running.
  let indexEndpoint: Endpoint
  private let group: MultiThreadedEventLoopGroup
  private let reservation: PortReservation

  private init() throws {
    directory = try TemporaryDirectory()
    reservation = try PortReservation()
    indexEndpoint = Endpoint(host: "127.0.0.1", port: reservation.port)
    group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
  }

  static func with(_ body: (DaemonFixture) async throws -> Void) async throws {
    let fixture = try DaemonFixture()
    do { try await body(fixture) } catch {
      try? await fixture.group.shutdownGracefully()
      throw error
    }
    try await fixture.group.shutdownGracefully()
  }

  /// Runs an index while `body` works.
  ///
  /// - Parameters:
  ///   - ahead: seconds by which its clock is ahead.
  ///   - fill: called with another address of the index before the peers can find it.
  func withIndex<Result: Sendable>(
    ahead: Int64 = 0, limits: IndexLimits = IndexLimits(), filledBy fill: ((Endpoint) async throws -> Void)? = nil,
    _ body: (IndexService) async throws -> Result
  ) async throws -> Result {
    let service = IndexService(limits: limits, wallClock: { Int64(time(nil)) + ahead })
    var servers = [LineServer]()
    func drain() async {
      for server in servers { await server.drain(within: .milliseconds(100)) }
    }
    do {
      if let fill {
        let server = try await service.serve(at: .address(host: indexEndpoint.host, port: 0), group: group)
        servers.append(server)
        try await fill(Endpoint(server.address?.endpointText ?? ""))
      }
      servers.append(
        try await service.serve(at: .address(host: indexEndpoint.host, port: indexEndpoint.port), group: group))
      let result = try await body(service)
      await drain()
      return result
    } catch {
      await drain()
      throw error
    }
  }

  /// Runs another index on any port of an address while `body` works.
  func withIndex(at host: String, _ body: (Endpoint) async throws -> Void) async throws {
    let index = try await IndexService().serve(at: .address(host: host, port: 0), group: group)
    let endpoint = Endpoint(host: host, port: UInt16(index.address?.port ?? 0))
    do { try await body(endpoint) } catch {
      await index.drain(within: .milliseconds(100))
      throw error
    }
    await index.drain(within: .milliseconds(100))
  }

  /// Runs a peer while `body` works.
  ///
  /// - Parameters:
  ///   - uploads: the host at which it listens.
  ///   - acknowledgement: how long an `add` waits for the index, and a `join` for that of its ticket.
  ///   - returnInterval: interval of the search for lost files.
  ///   - threads: `nil` for new ones.
  func withPeer(
    _ name: String = "alice", acknowledgement: TimeAmount = .seconds(60), index: Endpoint? = nil,
    uploads: String = "127.0.0.1", returnInterval: Duration = .milliseconds(50), threads: PeerThreads? = nil,
    _ body: (Peer) async throws -> Void
  ) async throws {
    let socket = directory.file("\(name).sock")
    var settings = PeerDaemon.Settings(
      name: try PeerName(name), state: directory.file("state-\(name)"), index: index ?? indexEndpoint,
      uploads: .address(host: uploads, port: 0), control: .unix(path: socket), controlPath: socket)
    settings.timeout.acknowledgement = acknowledgement
    settings.timeout.connection = acknowledgement
    settings.timeout.join = acknowledgement
    settings.returnInterval = returnInterval
    settings.upkeepDelay = .zero
    var logger = Logger(label: name)
    logger.logLevel = .error
    let daemon = try await start(settings, logger, threads)
    await daemon.firstTryEnded()
    do { try await body(Peer(daemon: daemon, socket: socket)) } catch {
      await daemon.stop()
      throw error
    }
    await daemon.stop()
  }
}

extension DaemonFixture {
  /// A stopped peer releases its state with the last connection of a front end, which in one process may be a moment after
  /// `stop`.
  private func start(
    _ settings: PeerDaemon.Settings, _ logger: Logger, _ threads: PeerThreads?
  ) async throws -> PeerDaemon {
    var failure: PeerStartError?
    for _ in 0..<200 {
      do throws(PeerStartError) {
        return try await PeerDaemon.start(
          settings, group: group, logger: logger, threads: threads ?? PeerThreads())
      } catch {
        guard error.description.contains("another peer runs") else { throw error }
        failure = error
        try await Task.sleep(for: .milliseconds(25))
      }
    }
    throw failure ?? PeerStartError("not started")
  }
}

/// A peer of the fixture and its front end.
struct Peer: Sendable {
  let daemon: PeerDaemon
  let socket: String

  struct Answer: Sendable {
    var events: [ControlEvent] = []
    var outcome: ControlOutcome

    /// `nil` for a failure.
    var reply: JSONValue? {
      if case .success(_, let reply) = outcome { reply } else { nil }
    }
    var failure: WireFailure? {
      if case .failure(_, let failure) = outcome { failure } else { nil }
    }
    /// The documents of `added` events.
    var added: [Document] {
      events.compactMap { if case .added(let document, _) = $0 { document } else { nil } }
    }
    var listed: [DocumentListing] {
      events.compactMap { if case .document(let listing, _) = $0 { listing } else { nil } }
    }
    var levels: [LevelListing] {
      events.compactMap { if case .level(let level) = $0 { level } else { nil } }
    }
    /// The documents of the own catalogue with their files.
    var mine: [(document: Document, file: OwnFile)] {
      events.compactMap { event in
        guard case .document(let listing, let file?) = event else { return nil }
        return (listing.document, file)
      }
    }
    var failed: [PathProblem] {
      events.compactMap { if case .failed(let problem) = $0 { problem } else { nil } }
    }
  }

  func ask(_ request: ControlRequest) async throws -> Answer {
    let line = String(decoding: try Jansson.encodeLine(request.json(id: 2)).dropLast(), as: UTF8.self)
    return try await onThread { [socket] in
      let connection = try RawConnection(path: socket)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
      try connection.send(line)
      var events = [ControlEvent]()
      while true {
        let json = try connection.reply()
        if let outcome = try ControlOutcome(json) { return Answer(events: events, outcome: outcome) }
        if let event = try ControlEvent(json) { events.append(event) }
      }
    }
  }

  /// The reply of a request that succeeds.
  func reply<Reply: WireReply>(_ request: ControlRequest, as type: Reply.Type = Reply.self) async throws -> Reply {
    let answer = try await ask(request)
    guard let reply = answer.reply else { throw RawConnection.Failure(description: "\(answer.outcome)") }
    return try Reply(reply)
  }

  func status() async throws -> ControlStatusReply { try await reply(.status) }

  func lookup(_ key: String) async throws -> LookupReply { try await reply(.lookup(try DocumentKey(key))) }

  func add(_ paths: [String], recursive: Bool = false, key: String? = nil) async throws -> Answer {
    try await ask(.add(AddFiles(paths: paths, recursive: recursive, key: key)))
  }

  /// The keys and states of the own catalogue.
  func mine() async throws -> [String: OwnFile.State?] {
    let rows = try await ask(.list(ListDocuments(mine: true))).mine
    return Dictionary(rows.map { ($0.document.key.text, $0.file.state) }, uniquingKeysWith: { first, _ in first })
  }

  /// The keys that the index lists, with the number of holders.
  func everything() async throws -> [String: Int] {
    let rows = try await ask(.list(ListDocuments())).listed
    return Dictionary(rows.map { ($0.document.key.text, $0.total) }, uniquingKeysWith: +)
  }
}

/// Reserves a free port: bound, never listened on.
private final class PortReservation: Sendable {
  let port: UInt16
  private let descriptor: CInt

  init() throws {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var on: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(descriptor, address, length) == 0 else { return errno }
        return getsockname(descriptor, address, &length)
      }
    }
    guard descriptor >= 0, result == 0 else { throw RawConnection.Failure(description: "no port") }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }
}
