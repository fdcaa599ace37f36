// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineTransport
import NIOCore
import PeerIdentity
import TestSupport

/// Measures what proven identities and secrecy cost: TLS at the index and between peers, and joining.
final class ClosedBench {
  private static let connections = 50
  private static let depth = 16
  private static let duration = Duration.seconds(2)
  private static let handshakes = 4_000
  private static let returning = 15_000
  private static let atATime = 64
  private static let largeSize = 1 << 30

  private let executables: String
  private let directory: String
  private let services: Services
  private let rounds: Int
  private let report: (String) -> Void
  private let clients = SecureClients()
  private(set) var results = Results(Figure.closed)

  init(rounds: Int, executables: String, directory: String, services: Services, report: @escaping (String) -> Void) {
    self.rounds = rounds
    self.executables = executables
    self.directory = directory
    self.services = services
    self.report = report
  }

  func run() throws {
    try measureTransfers()
    report("making \(Self.returning) keys")
    let identities = try makeIdentities()
    for round in 1...rounds {
      report("round \(round) of \(rounds), look-ups")
      try measureLookups(identities, round)
      report("round \(round) of \(rounds), connections")
      try measureConnections(identities, round)
    }
  }

  private func add(
    _ figure: Figure.ID, _ round: Int, _ value: Double, _ contender: String = Figure.own, cpu: Double? = nil
  ) {
    results.add(Sample(figure, contender, round: round, value: value, processorTime: cpu))
  }

  private func makeIdentities() throws -> [TransportIdentity] {
    let path = directory + "/key.pem"
    return try (0..<Self.returning).map { _ in
      defer { unlink(path) }
      return try TransportIdentity(try PeerIdentity.loadOrCreate(at: path))
    }
  }

  /// An open index on loopback, which speaks TLS with clients that do.
  private func withIndex(_ body: (_ index: Endpoint, _ pid: Int32) throws -> Void) throws {
    let endpoint = Endpoint(host: "127.0.0.1", port: try LoopbackPort.free())
    let pid = try services.start(
      executables + "/p2p-index", ["--listen", endpoint.description, "--state", directory + "/index"],
      log: directory + "/index.log")
    try LoopbackPort.waitForServer(at: endpoint)
    try body(endpoint, pid)
    services.end([pid])
  }

  // MARK: The index

  private func measureLookups(_ identities: [TransportIdentity], _ round: Int) throws {
    try withIndex { index, pid in
      let peer = try RawConnection(to: index)
      _ = try peer.ask(HostileLines.hello(1, port: 40_001))
      _ = try peer.ask(HostileLines.add([IndexLines.document("rfc/793", 793)]))
      let plain = [TransportIdentity?](repeating: nil, count: Self.connections)
      for (contender, sources) in [(Figure.plain, plain), (Figure.own, Array(identities.prefix(Self.connections)))] {
        let outcome = try clients.load(
          LoadRequest.lookup("rfc/793"), at: index, serverProcess: pid, as: sources, depth: Self.depth,
          duration: Self.duration)
        add(.secureLookup, round, outcome.rate, contender, cpu: outcome.processorTime)
      }
    }
  }

  private func measureConnections(_ identities: [TransportIdentity], _ round: Int) throws {
    try withIndex { index, _ in
      let elapsed = try ContinuousClock().measure {
        _ = try clients.crowd(identities.prefix(Self.handshakes), at: index, atATime: Self.atATime, keeps: false) {
          identity, _ in (Array((SecureClients.hello(identity) + "\n").utf8), 1)
        }
      }
      add(.handshakes, round, Double(Self.handshakes) / elapsed.inSeconds)
    }
    try withIndex { index, pid in
      let memory = try ResidentMemory.of(pid)
      var crowd: [any Channel] = []
      let elapsed = try ContinuousClock().measure {
        crowd = try clients.crowd(identities[...], at: index, atATime: Self.atATime, keeps: true) { identity, number in
          let hello = SecureClients.hello(identity, port: 20_000 + number)
          return (Array(hello.utf8) + Array("\n".utf8) + IndexLines.documents(number), 2)
        }
        try IndexLines.find(at: index)
      }
      add(.secureReturn, round, elapsed.inSeconds)
      add(.secureMemory, round, Double(try ResidentMemory.of(pid) - memory) / Double(Self.returning))
      for channel in crowd { channel.close(promise: nil) }
    }
  }

  // MARK: Transfers

  private func measureTransfers() throws {
    report("starting a closed network, and nginx with TLS")
    let documents = directory + "/documents"
    guard mkdir(documents, 0o700) == 0, mkdir(directory + "/first", 0o700) == 0 else {
      throw BenchFailure.system(directory)
    }
    try TextFile.write(Documents.pattern(Self.largeSize, seed: 1), to: documents + "/large.bin")
    try TextFile.write(Documents.pattern(Documents.smallSize, seed: 2), to: documents + "/small.bin")
    let first = try Installation(
      closed: executables, directory: directory + "/first", peer: "alice", services: services)
    for name in ["large", "small"] { try first.run("alice", "add", "\(documents)/\(name).bin") }
    let nginx = try NginxServer.start(
      directory: documents, documents: documents, isSecure: true, services: services)
    let curl = Tool(path: try Tool.installed("curl"), scratch: documents)
    let target = directory + "/fetched"
    for round in 1...rounds {
      report("round \(round) of \(rounds), joining and a download")
      let home = directory + "/second\(round)"
      guard mkdir(home, 0o700) == 0 else { throw BenchFailure.system(home) }
      let ticket =
        try first.p2pctl.run(["network", "invite"]).output.split(separator: "\n").first.map(String.init) ?? ""
      let second = try Installation(invited: executables, directory: home, services: services)
      let joined = try ContinuousClock().measure {
        try second.p2pctl.run(["join", ticket, "--peer", "bob"])
        try second.run("bob", "get", "file/small.bin", "-o", target, "--no-share")
      }
      try TextFile.discard(target, size: Documents.smallSize)
      add(.join, round, joined.inSeconds)
      let own = try second.timed("bob") {
        try first.timed("alice") {
          try second.run("bob", "get", "file/large.bin", "-o", target, "--no-share")
        }
      }
      try TextFile.discard(target, size: Self.largeSize)
      addRate(own, Figure.own, round)
      let plain = try curl.run(["-sSfk", "-o", target, "https://\(nginx)/large.bin"])
      try TextFile.discard(target, size: Self.largeSize)
      addRate(plain, Figure.secureCurl, round)
      try second.p2pctl.run(["supervisor", "stop"])
    }
    unlink(documents + "/large.bin")
  }

  private func addRate(_ outcome: Tool.Outcome, _ contender: String, _ round: Int) {
    let rate = Double(Self.largeSize) / 1e6 / outcome.elapsed.inSeconds
    add(.secureGet, round, rate, contender, cpu: outcome.processorTime)
  }
}
