// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import Synchronization
import TestSupport

/// Kills an index and a peer under load and measures how long service is interrupted.
///
/// A hundred peers with a thousand documents each are connected to the index; clients look up without pause, others connect
/// for every request. The peer serves uploads without pause, and one front end after another asks for its status.
final class RestartTrial {
  struct Outage {
    /// From the kill to the first answer to a new client.
    let index: Duration
    /// From the kill until all documents of the swarm are found again.
    let findable: Duration
    /// From the kill to the first answer to a new front end that needs the catalogue.
    let peer: Duration
    /// From the kill to the first bytes of a document for a new client.
    let upload: Duration
  }

  /// Between two kills of one process: the supervisor delays restarts after five exits within 10 s.
  private static let interval = Duration.milliseconds(2_200)
  private static let swarmSize = 100
  private static let documents = 1_000
  private static let chunk = 1 << 20
  private static let greeting = String(decoding: LoadRequest.lookup("").greeting.dropLast(), as: UTF8.self)
  private static let lookup = String(decoding: LoadRequest.lookup(SwarmPeer.key(0, 0)).bytes.dropLast(), as: UTF8.self)

  private let installation: Installation
  private let peer: String
  private let index: Endpoint
  private let uploads: Endpoint
  private let document: (content: String, size: Int64)
  private let swarm: Swarm
  private let callers: [Callers]
  private var nextKills: [String: ContinuousClock.Instant] = [:]

  /// - Parameters:
  ///   - peer: the peer to kill.
  ///   - key: a large document that it shares.
  init(_ installation: Installation, peer: String, sharing key: String) throws {
    self.installation = installation
    self.peer = peer
    index = try installation.index().endpoint
    uploads = try installation.process(peer).endpoint
    document = try Self.content(of: key, at: index)
    swarm = try Swarm(Self.swarmSize, documents: Self.documents, server: index)
    let (index, uploads, document, socket) = (index, uploads, document, installation.socket(peer))
    callers = [
      Callers(2) { answered in
        let connection = try Self.greeted(RawConnection(to: index))
        repeat { try Self.lookUp(connection) } while answered()
      },
      Callers(1) { answered in
        try Self.lookUp(try Self.greeted(RawConnection(to: index)))
        _ = answered()
      },
      Callers(1) { answered in
        let connection = try Self.greeted(RawConnection(to: uploads))
        repeat { try Self.fetch(document, Self.chunk, from: connection) } while answered()
      },
      Callers(1) { answered in
        try Self.askStatus(of: socket)
        _ = answered()
      },
    ]
  }

  /// Ends the load.
  /// - Returns: the counts of all callers.
  func end() -> Callers.Count {
    swarm.end()
    return callers.map { $0.end() }.reduce(into: Callers.Count()) { sum, count in
      sum.answers += count.answers
      sum.refused += count.refused
      sum.broken += count.broken
    }
  }

  /// Kills the index, then the peer.
  func killBoth() throws -> Outage {
    waitForNextKill(of: "index")
    var indexOutage = Duration.zero
    let indexProcess = try installation.process("index").pid
    let findable = try swarm.outage {
      indexOutage = try Self.outage(of: indexProcess) {
        try Self.lookUp(try Self.greeted(RawConnection(to: index)))
      }
    }
    waitForNextKill(of: peer)
    let peerProcess = try installation.process(peer).pid
    let (start, socket) = (ContinuousClock.now, installation.socket(peer))
    let peerOutage = try Self.outage(of: peerProcess) { try Self.askStatus(of: socket) }
    try Self.untilSuccess {
      try Self.fetch(document, 16 << 10, from: try Self.greeted(RawConnection(to: uploads)))
    }
    let upload = ContinuousClock.now - start
    try installation.wait(for: ["index", peer])
    return Outage(index: indexOutage, findable: findable, peer: peerOutage, upload: upload)
  }

  private func waitForNextKill(of process: String) {
    let rest = (nextKills[process] ?? .now) - .now
    if rest > .zero { usleep(UInt32(rest / .microseconds(1))) }
    nextKills[process] = .now + Self.interval
  }

  // MARK: Requests

  private static func outage(of pid: Int32, request: () throws -> Void) throws -> Duration {
    let start = ContinuousClock.now
    guard kill(pid, SIGKILL) == 0 else { throw BenchFailure.system("kill \(pid)") }
    try untilSuccess(request)
    return ContinuousClock.now - start
  }

  /// The supervisor holds the listening socket, so the first connection succeeds unless the dying process had already
  /// accepted it.
  private static func untilSuccess(_ request: () throws -> Void) throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while true {
      do {
        return try request()
      } catch {
        guard ContinuousClock.now < deadline else { throw BenchFailure("no answer after a kill: \(error)") }
        usleep(100)
      }
    }
  }

  private static func greeted(_ connection: RawConnection) throws -> RawConnection {
    try ask(connection, greeting)
    return connection
  }

  /// The index serves before its peers have announced again, hence the 404.
  private static func lookUp(_ connection: RawConnection) throws {
    try ask(connection, lookup, accepting: [200, 404])
  }

  private static func ask(_ connection: RawConnection, _ request: String, accepting: Set<Int64> = [200]) throws {
    guard let status = try connection.ask(request)["status"]?.integer, accepting.contains(status) else {
      throw BenchFailure("\(request) was refused")
    }
  }

  private static func askStatus(of socket: String) throws {
    let connection = try RawConnection(path: socket)
    try ask(connection, #"{"id":1,"op":"hello","protocol":1}"#)
    try ask(connection, #"{"id":2,"op":"status"}"#)
  }

  private static func fetch(_ document: (content: String, size: Int64), _ length: Int, from connection: RawConnection)
    throws
  {
    let request = """
      {"id":2,"op":"get","content":"\(document.content)","size":\(document.size),"offset":0,"length":\(length)}
      """
    try ask(connection, request)
    guard try connection.bytes(length).count == length else { throw BenchFailure("an upload ended early") }
  }

  private static func content(of key: String, at index: Endpoint) throws -> (String, Int64) {
    let connection = try greeted(RawConnection(to: index))
    let answer = try connection.ask(String(decoding: LoadRequest.lookup(key).bytes.dropLast(), as: UTF8.self))
    guard let content = answer["contents"]?.array?.first, let root = content["content"]?.string,
      let size = content["size"]?.integer
    else { throw BenchFailure("the index does not list \(key)") }
    return (root, size)
  }
}
