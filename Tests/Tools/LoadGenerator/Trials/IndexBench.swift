// SPDX-License-Identifier: Apache-2.0

import Dispatch
import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// Measures the index beside Redis, and what many peers and documents cost it.
final class IndexBench {
  private static let connections = 50
  private static let duration = Duration.seconds(1)
  private static let holders = 10
  private static let page = 100
  /// Documents of the collection that is listed.
  private static let listed = 1_000
  private static let redisKeys = (value: "value", set: "set", list: "list")

  private let executables: String
  private let directory: String
  private let services: Services
  private let rounds: Int
  private let report: (String) -> Void
  private let redis: (endpoint: Endpoint, pid: Int32)
  private(set) var results = Results(Figure.index)

  init(
    rounds: Int, executables: String, directory: String, services: Services, report: @escaping (String) -> Void
  ) throws {
    self.rounds = rounds
    self.executables = executables
    self.directory = directory
    self.services = services
    self.report = report
    redis = try RivalServers.startRedis(directory: directory, services: services)
  }

  func run() throws {
    try measureQuestions()
    for round in 1...rounds {
      report("round \(round), adding")
      try measureAdding(round)
      report("round \(round), many peers")
      try measureCrowd(round)
    }
  }

  private func startIndex(_ port: UInt16? = nil) throws -> (endpoint: Endpoint, pid: Int32) {
    let endpoint = Endpoint(host: "127.0.0.1", port: try port ?? LoopbackPort.free())
    let pid = try services.start(
      executables + "/p2p-index", ["--listen", endpoint.description], log: directory + "/index.log")
    try LoopbackPort.waitForServer(at: endpoint)
    return (endpoint, pid)
  }

  private func add(
    _ figure: Figure.ID, _ round: Int, _ value: Double, _ contender: String = Figure.own, cpu: Double? = nil
  ) {
    results.add(Sample(figure, contender, round: round, value: value, processorTime: cpu))
  }

  // MARK: Questions

  private func measureQuestions() throws {
    let index = try startIndex()
    let peers = try (1...Self.holders).map { try session($0, at: index.endpoint) }
    for (number, peer) in peers.enumerated() {
      let shared = number == 0 ? [IndexLines.document("rfc/793", 793)] : []
      _ = try peer.ask(HostileLines.add(shared + [IndexLines.document("rfc/9000", 9000)]))
    }
    for start in stride(from: 0, to: Self.listed, by: 500) {
      _ = try peers[0].ask(
        HostileLines.add((start..<start + 500).map { IndexLines.document("data/\($0 + 10_000)", $0) }))
    }
    let pulse = KeptAlive(peers)
    defer { pulse.stop() }
    let (one, ten) = (LoadRequest.lookup("rfc/793"), LoadRequest.lookup("rfc/9000"))
    let list = LoadRequest.list(collection: "data", limit: Int64(Self.page))
    try storeInRedis(
      try Self.answer(to: one, index.endpoint), try Self.answer(to: ten, index.endpoint),
      try Self.answer(to: list, index.endpoint))
    let get = LoadRequest.redisGet(Self.redisKeys.value)
    let members = LoadRequest.redisMembers(Self.redisKeys.set, count: Self.holders)
    let range = LoadRequest.redisRange(Self.redisKeys.list, count: Self.page)
    for round in 1...rounds {
      report("round \(round), questions")
      for (figure, depth, own, rival, other) in [
        (Figure.ID.oneHolder1, 1, one, Figure.redisGet, get), (.oneHolder16, 16, one, Figure.redisGet, get),
        (.tenHolders1, 1, ten, Figure.redisMembers, members), (.tenHolders16, 16, ten, Figure.redisMembers, members),
        (.tenHolders64, 64, ten, Figure.redisMembers, members), (.indexList, 1, list, Figure.redisRange, range),
      ] {
        for (server, contender, request) in [(index, Figure.own, own), (redis, rival, other)] {
          let load = Load(
            server: server.endpoint, serverProcess: server.pid, connections: Self.connections, depth: depth,
            duration: Self.duration)
          let outcome = try load.run(request)
          add(figure, round, outcome.rate, contender, cpu: outcome.processorTime)
        }
      }
    }
    services.end([index.pid])
  }

  private static func answer(to request: LoadRequest, _ index: Endpoint) throws -> [UInt8] {
    let connection = try RawConnection(to: index)
    try connection.send(request.greeting)
    _ = try connection.line()
    try connection.send(request.bytes)
    guard let line = try connection.line(), line.contains(#""status":200"#) else {
      throw BenchFailure("the index refused a request that is to be measured")
    }
    return Array(line.utf8)
  }

  /// Values as long as the answers of the index.
  private func storeInRedis(_ one: [UInt8], _ ten: [UInt8], _ list: [UInt8]) throws {
    let connection = try RawConnection(to: redis.endpoint)
    func command(_ words: [String]) throws {
      try connection.send(LoadRequest.redis(words))
      guard let answer = try connection.line(), !answer.hasPrefix("-") else {
        throw BenchFailure("Redis refused a command")
      }
    }
    func row(_ number: Int, _ length: Int) -> String {
      String((String(number + 1000) + String(repeating: "x", count: length)).prefix(length))
    }
    try command(["SET", Self.redisKeys.value, String(decoding: one, as: UTF8.self)])
    try command(["SADD", Self.redisKeys.set] + (0..<Self.holders).map { row($0, ten.count / Self.holders) })
    try command(["RPUSH", Self.redisKeys.list] + (0..<Self.page).map { row($0, list.count / Self.page) })
  }

  private func session(_ number: Int, at index: Endpoint) throws -> RawConnection {
    let connection = try RawConnection(to: index)
    _ = try connection.ask(HostileLines.hello(number, port: 40_000 + number))
    return connection
  }

  // MARK: Adding

  private static let adders = 8
  private static let batch = 10
  private static let added = 200_000

  private func measureAdding(_ round: Int) throws {
    let index = try startIndex()
    let share = Self.added / Self.adders
    let lines = (0..<Self.adders).map { adder in
      (0..<share / Self.batch).map { batch in
        Array(
          (HostileLines.add((0..<Self.batch).map { IndexLines.document(adder * share + batch * Self.batch + $0) })
            + "\n").utf8)
      }
    }
    let peers = try (0..<Self.adders).map { try session($0, at: index.endpoint) }
    let (memory, time) = (try ResidentMemory.of(index.pid), try ProcessorTime.of(index.pid))
    let elapsed = try ContinuousClock().measure {
      // Some batches of each peer are in flight.
      let window = 8
      for batch in 0..<lines[0].count + window {
        for adder in 0..<Self.adders {
          if batch < lines[adder].count { try peers[adder].send(lines[adder][batch]) }
          if batch >= window { _ = try peers[adder].line() }
        }
      }
    }
    let used = try ProcessorTime.of(index.pid) - time
    add(.adding, round, Double(Self.added) / elapsed.inSeconds)
    add(.addingTime, round, used / Double(Self.added) * 1e6)
    let strings = (0..<Self.added).reduce(0) { $0 + IndexLines.strings(of: $1) }
    add(.documentMemory, round, Double(try ResidentMemory.of(index.pid) - memory - strings) / Double(Self.added))
    services.end([index.pid])
  }

  // MARK: Many peers

  private static let leaving = 12_000
  private static let returning = 15_000

  private func measureCrowd(_ round: Int) throws {
    let index = try startIndex()
    let base = round * 10
    let observer = try session(20_000, at: index.endpoint)
    let memory = try ResidentMemory.of(index.pid)
    let crowd = try Crowd(Self.leaving, to: index.endpoint, from: base, lines: IndexLines.arrival)
    add(.peerMemory, round, Double(try ResidentMemory.of(index.pid) - memory) / Double(Self.leaving))
    try measureDeparture(crowd, observer, round)
    services.end([index.pid])
    let again = try startIndex(index.endpoint.port)
    let elapsed = try ContinuousClock().measure {
      let crowd = try Crowd(Self.returning, to: again.endpoint, from: base + 5, lines: IndexLines.arrival)
      try IndexLines.find(at: again.endpoint)
      crowd.leave()
    }
    add(.comeBack, round, elapsed.inSeconds)
    services.end([again.pid])
  }

  /// Until the index counts no records, while another client asks.
  private func measureDeparture(_ crowd: Crowd, _ observer: RawConnection, _ round: Int) throws {
    let clock = ContinuousClock()
    let start = clock.now
    nonisolated(unsafe) let crowd = crowd
    let leaving = DispatchGroup()
    DispatchQueue(label: "departure").async(group: leaving) { crowd.leave() }
    var waits: [Double] = []
    var records = 1
    while records > 0 {
      guard clock.now - start < .seconds(30) else { throw BenchFailure("the index does not forget who has left") }
      let wait = try clock.measure { _ = try observer.ask(#"{"id":4,"op":"lookup","key":"file/none"}"#) }
      waits.append(wait.inMilliseconds)
      records = try observer.ask(#"{"id":5,"op":"stats"}"#)["records"]?.integer.map { Int($0) } ?? 0
      usleep(1_000)
    }
    add(.crowdLeaves, round, (clock.now - start).inSeconds)
    add(.crowdWait, round, Statistics(waits)?.percentile(99) ?? 0)
    leaving.wait()
  }
}

/// Lines of peers that share.
enum IndexLines {
  /// Documents that a crowd has.
  static let shared = 1_000
  private static let perPeer = 10
  private static let words = 3_000

  static func sharedKey(_ number: Int) -> String { "crowd/\(number)" }

  static func document(_ key: String, _ number: Int) -> String {
    HostileLines.document(key, number, title(number))
  }

  /// A document of its own.
  static func document(_ number: Int) -> String { document(key(number), number) }

  /// Bytes of the key and the title.
  static func strings(of number: Int) -> Int { key(number).utf8.count + title(number).utf8.count }

  private static func key(_ number: Int) -> String { "data/set/\(number)" }

  /// Five words of some thousands.
  private static func title(_ number: Int) -> String {
    (0..<5).map { "w" + String((number &* 31 &+ $0 &* 7_919 &+ number / 7) % words, radix: 26) }.joined(separator: " ")
  }

  /// What the peer of a crowd sends when it comes.
  static func arrival(_ number: Int) -> [UInt8] {
    Array((HostileLines.hello(number + 1, port: 20_000 + number) + "\n").utf8) + documents(number)
  }

  /// What it adds.
  static func documents(_ number: Int) -> [UInt8] {
    let documents = (0..<perPeer).map { place in
      let number = (number * perPeer + place) % shared
      return document(sharedKey(number), number)
    }
    return Array((HostileLines.add(documents) + "\n").utf8)
  }

  /// Everything that a crowd has.
  static func find(at index: Endpoint) throws {
    let connection = try RawConnection(to: index)
    _ = try connection.ask(HostileLines.hello(3, port: nil))
    for number in 0..<shared {
      let reply = try connection.ask(#"{"id":4,"op":"lookup","key":"\#(sharedKey(number))"}"#)
      guard reply["status"]?.integer == 200 else { throw BenchFailure("documents are not found again") }
    }
  }
}

extension Figure {
  static let redisMembers = "Redis SMEMBERS, same bytes"

  /// The figures of the index, in the order of the table.
  static let index: [Figure] = [
    questions(.oneHolder1, "look-up, 1 holder, depth 1", redisGet, 1),
    questions(.oneHolder16, "look-up, 1 holder, depth 16", redisGet, 1.2),
    questions(.tenHolders1, "look-up, 10 holders, depth 1", redisMembers, 1.4),
    questions(.tenHolders16, "look-up, 10 holders, depth 16", redisMembers, 1.2),
    questions(.tenHolders64, "look-up, 10 holders, depth 64", redisMembers, 1.9),
    questions(.indexList, "list, page of 100", redisRange, 1),
    Figure(.adding, "add, batches of 10, titles of five words", .recordsPerSecond, goal: .reaching(200_000)),
    Figure(.addingTime, "processor time of a record", .microseconds, goal: .within(6)),
    Figure(.documentMemory, "memory of a document, without its texts", .bytes, goal: .within(550)),
    Figure(.peerMemory, "memory of a peer with 10 shared documents", .bytes, goal: .within(6_500)),
    Figure(.crowdLeaves, "12,000 peers leave: until nothing is left", .seconds, goal: .within(0.5)),
    Figure(.crowdWait, "the same: wait of others, p99", .milliseconds, goal: .within(50)),
    Figure(.comeBack, "15,000 peers come back, until all is found", .seconds, goal: .within(5)),
  ]

  private static func questions(_ id: ID, _ title: String, _ rival: String, _ goal: Double) -> Figure {
    Figure(id, title, .requestsPerSecond, rivals: [Rival(rival, .atLeast(goal))])
  }
}
