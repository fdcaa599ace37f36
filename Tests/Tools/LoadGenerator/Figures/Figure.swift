// SPDX-License-Identifier: Apache-2.0

/// Something that is measured, of this project and of the programs beside it.
package struct Figure: Sendable {
  package enum ID: String, CaseIterable, Sendable {
    case hashing
    case lookup = "lookup-1"
    case pipelinedLookup = "lookup-16"
    case list = "list-100"
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
  }

  package enum Unit: String, Sendable {
    case megabytesPerSecond = "MB/s"
    case requestsPerSecond = "requests/s"
    case seconds = "s"
    case milliseconds = "ms"
    case clients

    /// What processor time is told in beside it.
    package var processorTime: String { self == .requestsPerSecond ? "CPU-s/M" : "CPU-s" }
  }

  /// What is wanted of our median.
  package enum Goal: Equatable, Sendable {
    /// So many times the other program's median, or more.
    case atLeast(Double)
    /// So many times the other program's median, or less.
    case atMost(Double)
    /// In the figure's unit, whatever other programs do.
    case within(Double)
  }

  /// A program beside ours.
  package struct Rival: Sendable {
    package let name: String
    package let goal: Goal?

    package init(_ name: String, _ goal: Goal? = nil) {
      self.name = name
      self.goal = goal
    }
  }

  /// The contender that is this project.
  package static let own = "p2p"

  package let id: ID
  package let title: String
  package let unit: Unit
  package let rivals: [Rival]
  /// A goal without a rival.
  package let goal: Goal?

  package init(_ id: ID, _ title: String, _ unit: Unit, rivals: [Rival] = [], goal: Goal? = nil) {
    self.id = id
    self.title = title
    self.unit = unit
    self.rivals = rivals
    self.goal = goal
  }
}

extension Figure {
  package static let openssl = "openssl speed sha256"
  package static let redisGet = "Redis GET, same bytes"
  package static let redisRange = "Redis LRANGE, same bytes"
  package static let curl = "curl from nginx, no hash"
  package static let aria2 = "aria2 from nginx, SHA-256"
  package static let redisPing = "redis-cli PING"

  /// Everything that is measured, in the order of the table.
  /// - Parameter large: the bytes of the large file.
  package static func all(large: Int) -> [Figure] {
    let size = "\(large >> 20) MiB"
    return [
      Figure(.hashing, "add of \(size) in the page cache", .megabytesPerSecond, rivals: [Rival(openssl, .atLeast(1))]),
      Figure(.lookup, "lookup, depth 1", .requestsPerSecond, rivals: [Rival(redisGet, .atLeast(0.8))]),
      Figure(.pipelinedLookup, "lookup, depth 16", .requestsPerSecond, rivals: [Rival(redisGet, .atLeast(0.8))]),
      Figure(.list, "list, page of 100", .requestsPerSecond, rivals: [Rival(redisRange)]),
      Figure(.largeGet, "get of \(size)", .seconds, rivals: [Rival(curl), Rival(aria2, .atMost(1))]),
      Figure(.smallGet, "get of 10 KB", .milliseconds, rivals: [Rival(curl), Rival(aria2, .atMost(1))]),
      Figure(.manyGets, "1,000 gets of 10 KB, in turn", .seconds, rivals: [Rival(curl)]),
      Figure(.indexRestart, "index serves after kill -9, busy", .milliseconds, goal: .within(10)),
      Figure(.findable, "100 peers x 1,000 found again", .milliseconds, goal: .within(1_000)),
      Figure(.peerRestart, "peer answers after kill -9, busy", .milliseconds, goal: .within(10)),
      Figure(.uploadRestart, "peer uploads after kill -9, busy", .milliseconds),
      Figure(.refused, "refused during restarts", .clients, goal: .within(0)),
      Figure(.coldStart, "supervisor start, until all ready", .milliseconds),
      Figure(.start, "p2pctl status, cold", .milliseconds, rivals: [Rival(redisPing, .atMost(0.7))]),
    ]
  }
}
