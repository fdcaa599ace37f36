// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import WireProtocol

extension IndexService {
  /// Addresses in a report.
  private static let maxHosts = 10

  /// The reply to `stats`.
  var report: StatsReply {
    let (counts, bytes, watches) = withIndex { ($0.statistics, $0.bytes, $0.watchCount) }
    let (delay, refused) = (delays.current, refusals.current)
    var reply = StatsReply(
      documents: counts.documents, keys: counts.keys, records: counts.records, peers: counts.peers,
      sessions: counts.sessions, time: Timestamp(seconds: wallClock()))
    reply.bytes = bytes
    reply.delay = .init(delay)
    (reply.freshness, reply.departure) = (.init(freshness.current), .init(departures.current))
    reply.watches = watches
    reply.refusals = refused.byLimit.map { .init(limit: $0.limit, count: $0.count) }
    reply.refused = refused.byHost(Self.maxHosts).map { .init(host: $0.host, limit: $0.limit, count: $0.count) }
    return reply
  }
}

extension StatsReply.Delay {
  fileprivate init(_ delays: DelayHistogram) {
    self.init(p50: delays.quantile(0.5), p99: delays.quantile(0.99), max: delays.longest)
  }
}
