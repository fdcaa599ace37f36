// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Crashes and cold starts.
extension Bench {
  /// How long a crash interrupts service, and whether connections are refused meanwhile.
  func measureRestarts() throws {
    let trial = try RestartTrial(installation, peer: "alice", sharing: documents.largeKey)
    for round in 1...effort.kills {
      let outage = try trial.killBoth()
      add(Sample(.indexRestart, Figure.own, round: round, milliseconds: outage.index))
      add(Sample(.findable, Figure.own, round: round, milliseconds: outage.findable))
      add(Sample(.peerRestart, Figure.own, round: round, milliseconds: outage.peer))
      add(Sample(.uploadRestart, Figure.own, round: round, milliseconds: outage.upload))
    }
    let count = trial.end()
    add(Sample(.refused, Figure.own, round: 1, value: Double(count.refused)))
    report(
      "\(count.answers) answers during the restarts, \(count.broken) conversations cut off, \(count.refused) refused")
    for figure in [Figure.ID.indexRestart, .findable, .peerRestart, .uploadRestart] {
      guard let times = Statistics(results.samples.lazy.filter { $0.figure == figure }.map(\.value)) else { continue }
      let tail = [50.0, 90, 100].map { ResultTable.number(times.percentile($0)) }.joined(separator: ", ")
      report("\(figure.rawValue) in ms: median, 90th percentile, maximum: \(tail)")
    }
  }

  func measureStart(_ round: Int) throws {
    let ping = Tool(path: try Tool.installed("redis-cli"), scratch: directory)
    let port = "\(rivals.redis.endpoint.port)"
    for _ in 0..<effort.repetitions * 2 {
      let own = try installation.run("alice", "status")
      add(Sample(.start, Figure.own, round: round, milliseconds: own.elapsed, own.processorTime))
      let other = try ping.run(["-p", port, "PING"])
      add(Sample(.start, Figure.redisPing, round: round, milliseconds: other.elapsed, other.processorTime))
    }
  }

  /// The first start of an index and a peer in an empty home.
  func measureColdStart(_ round: Int) throws {
    let tool = Tool(
      path: installation.p2pctl.path, environment: ["P2P_HOME": "\(directory)/home\(round)"], scratch: directory)
    let start = try tool.run(["supervisor", "start", "--serve-index", "127.0.0.1:0", "--peer", "carol"])
    try tool.run(["supervisor", "stop"])
    add(Sample(.coldStart, Figure.own, round: round, milliseconds: start.elapsed))
  }
}
