// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import WireProtocol

extension IndexService {
  /// Addresses in a report.
  private static let maxHosts = 10

  /// The reply to `stats`.
  var report: StatsReply {
    let (counts, bytes) = withIndex { ($0.statistics, $0.bytes) }
    let (delay, refused) = (delays.current, refusals.current)
    var reply = StatsReply(
      documents: counts.documents, keys: counts.keys, records: counts.records, peers: counts.peers,
      sessions: counts.sessions, time: Timestamp(seconds: wallClock()))
    reply.bytes = bytes
    reply.delay = .init(p50: delay.quantile(0.5), p99: delay.quantile(0.99), max: delay.longest)
    reply.refusals = refused.byLimit.map { .init(limit: $0.limit, count: $0.count) }
    reply.refused = refused.byHost(Self.maxHosts).map { .init(host: $0.host, limit: $0.limit, count: $0.count) }
    return reply
  }
}
