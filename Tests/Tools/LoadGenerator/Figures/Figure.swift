// SPDX-License-Identifier: Apache-2.0

/// One measurement of this project, with the programs it is compared with.
struct Figure: Sendable {
  enum ID: String, CaseIterable, Sendable {
    case hashing
    case lookup = "lookup-1"
    case pipelinedLookup = "lookup-16"
    case list = "list-100"
    case oneHolder1 = "index-lookup-1-1"
    case oneHolder16 = "index-lookup-1-16"
    case tenHolders1 = "index-lookup-10-1"
    case tenHolders16 = "index-lookup-10-16"
    case tenHolders64 = "index-lookup-10-64"
    case indexList = "index-list-100"
    case adding = "index-add"
    case addingTime = "index-add-cpu"
    case crowdLeaves = "index-crowd-clean"
    case crowdWait = "index-crowd-wait"
    case peerMemory = "index-peer-memory"
    case documentMemory = "index-document-memory"
    case comeBack = "index-come-back"
    case largeGet = "get-large"
    case smallGet = "get-small"
    case manyGets = "get-many"
    case indexRestart = "restart-index"
    case findable = "restart-findable"
    case peerRestart = "restart-peer"
    case uploadRestart = "restart-upload"
    case refused = "restart-refused"
    case coldStart = "start-all"
    case start
    case oneSource = "transfer-one"
    case threeSources = "transfer-three"
    case sourcesUsed = "transfer-sources"
    case crash = "crash-time"
    case crashExcess = "crash-excess"
    case faultySources = "faulty-time"
    case faultyWaste = "faulty-waste"
    case swarm = "swarm-8"
    case swarmCopies = "swarm-8-copies"
    case wideSwarm = "swarm-24"
    case wideSwarmCopies = "swarm-24-copies"
    case prefix = "prefix-10000"
    case severalKeys = "keys-1000"
    case presentPrefix = "prefix-present"
    case limit1 = "limit-1"
    case limit10 = "limit-10"
    case limit100 = "limit-100"
    case secureLookup = "closed-lookup-16"
    case handshakes = "closed-handshakes"
    case secureReturn = "closed-come-back"
    case secureMemory = "closed-connection-memory"
    case secureGet = "closed-get"
    case join = "closed-join"
    case hostileQuiet = "hostile-quiet"
    case hostilePing = "hostile-ping"
    case hostileLookup = "hostile-lookup"
    case hostilePeer = "hostile-peer"
    case hostileSearch = "hostile-search"
    case hostileAdd = "hostile-add"
    case hostileRepeat = "hostile-repeat"
    case hostileDeparture = "hostile-departure"
    case hostileAnswers = "hostile-answers"
    case hostileUnfinished = "hostile-unfinished"
    case hostileSilent = "hostile-silent"
    case hostileSilentNew = "hostile-silent-new"
    case hostileFanout = "hostile-fanout"
    case hostileAnswersMemory = "hostile-answers-memory"
    case hostileUnfinishedMemory = "hostile-unfinished-memory"
    case hostileSilentMemory = "hostile-silent-memory"
    case hostileFanoutMemory = "hostile-fanout-memory"
    case watch
    case watchMemory = "watch-memory"
    case watchCost = "watch-cost"
  }

  enum Unit: String, Sendable {
    case megabytesPerSecond = "MB/s"
    case requestsPerSecond = "requests/s"
    case seconds = "s"
    case milliseconds = "ms"
    case clients
    case mebibytes = "MiB"
    case copies
    case sources
    case percent = "%"
    case recordsPerSecond = "records/s"
    case connectionsPerSecond = "connections/s"
    case microseconds = "us"
    case bytes = "B"

    /// The unit of the processor time shown beside it.
    var processorTime: String { self == .requestsPerSecond ? "CPU-s/M" : "CPU-s" }
  }

  /// The target for our median.
  enum Goal: Equatable, Sendable {
    /// At least this multiple of the rival's median.
    case atLeast(Double)
    /// At most this multiple of the rival's median.
    case atMost(Double)
    /// At most this value, in the unit of the figure.
    case within(Double)
    /// At least this value, in the unit of the figure.
    case reaching(Double)
  }

  /// A program to compare with.
  struct Rival: Sendable {
    let name: String
    let goal: Goal?

    init(_ name: String, _ goal: Goal? = nil) {
      self.name = name
      self.goal = goal
    }
  }

  /// This project as a contender.
  static let own = "p2p"

  let id: ID
  let title: String
  let unit: Unit
  let rivals: [Rival]
  /// A goal that does not refer to a rival.
  let goal: Goal?

  init(_ id: ID, _ title: String, _ unit: Unit, rivals: [Rival] = [], goal: Goal? = nil) {
    self.id = id
    self.title = title
    self.unit = unit
    self.rivals = rivals
    self.goal = goal
  }
}

extension Figure {
  static let openssl = "openssl speed sha256"
  static let redisGet = "Redis GET, same bytes"
  static let redisRange = "Redis LRANGE, same bytes"
  static let curl = "curl from nginx, no hash"
  static let aria2 = "aria2 from nginx, SHA-256"
  static let redisPing = "redis-cli PING"

  /// All figures, in the order of the table.
  /// - Parameter large: size of the large file in bytes.
  static func all(large: Int) -> [Figure] {
    let size = "\(large >> 20) MiB"
    return [
      Figure(.hashing, "add of \(size) in the page cache", .megabytesPerSecond, rivals: [Rival(openssl, .atLeast(1))]),
      Figure(.lookup, "lookup, depth 1", .requestsPerSecond, rivals: [Rival(redisGet, .atLeast(0.8))]),
      Figure(.pipelinedLookup, "lookup, depth 16", .requestsPerSecond, rivals: [Rival(redisGet, .atLeast(0.8))]),
      Figure(.list, "list, page of 100", .requestsPerSecond, rivals: [Rival(redisRange)]),
      Figure(.largeGet, "get of \(size)", .seconds, rivals: [Rival(curl), Rival(aria2, .atMost(1))]),
      Figure(.smallGet, "get of 10 KB", .milliseconds, rivals: [Rival(curl), Rival(aria2, .atMost(1))]),
      Figure(.manyGets, "1,000 gets of 10 KB, in turn", .seconds, rivals: [Rival(curl)]),
      Figure(.indexRestart, "index serves after kill -9, under load", .milliseconds, goal: .within(10)),
      Figure(.findable, "100 peers x 1,000 documents found again", .milliseconds, goal: .within(1_000)),
      Figure(.peerRestart, "peer answers after kill -9, under load", .milliseconds, goal: .within(20)),
      Figure(.uploadRestart, "peer uploads after kill -9, under load", .milliseconds),
      Figure(.refused, "connections refused during restarts", .clients, goal: .within(0)),
      Figure(.coldStart, "supervisor start, until all ready", .milliseconds),
      Figure(.start, "p2pctl status, cold", .milliseconds, rivals: [Rival(redisPing, .atMost(0.7))]),
    ]
  }
}
