// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What an index counts: the reply to `stats`.
package struct StatsReply: WireReply {
  /// Pairs of key and content.
  package var documents: Int
  package var keys: Int
  package var records: Int
  /// Triples of peer, host and port.
  package var peers: Int
  /// Those that have sent `hello`.
  package var sessions: Int
  /// The clock of the index; `nil` if it does not report it.
  package var time: Timestamp?
  /// Memory of what sessions hold; `nil` if it is not reported.
  package var bytes: Int?
  /// How long requests wait before the index looks at them; `nil` if it is not reported.
  package var delay: Delay?
  /// From a change to the moment when the events about it were sent; `nil` if it is not reported.
  package var freshness: Delay?
  /// From the end of a session to the moment when nothing of it is left; `nil` if it is not reported.
  package var departure: Delay?
  /// Of all sessions; `nil` if it is not reported.
  package var watches: Int?
  /// By limit.
  package var refusals: [Refusals] = []
  /// The addresses that were refused most often.
  package var refused: [RefusedHost] = []

  package init(documents: Int, keys: Int, records: Int, peers: Int, sessions: Int, time: Timestamp?) {
    self.documents = documents
    self.keys = keys
    self.records = records
    self.peers = peers
    self.sessions = sessions
    self.time = time
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    documents = try fields.count("documents")
    keys = try fields.count("keys")
    records = try fields.count("records")
    peers = try fields.count("peers")
    sessions = try fields.count("sessions")
    time = try fields.value("time") == nil ? nil : fields.timestamp("time")
    bytes = try fields.optionalCount("bytes")
    delay = try fields.value("delay") == nil ? nil : Delay(fields.object("delay"))
    freshness = try fields.value("freshness") == nil ? nil : Delay(fields.object("freshness"))
    departure = try fields.value("departure") == nil ? nil : Delay(fields.object("departure"))
    watches = try fields.optionalCount("watches")
    refusals = try fields.optionalElements("refusals")
    refused = try fields.optionalElements("refused")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("documents", documents)
    fields.member("keys", keys)
    fields.member("records", records)
    fields.member("peers", peers)
    fields.member("sessions", sessions)
    if let time { fields.member("time", time) }
    if let bytes { fields.member("bytes", bytes) }
    if let delay { fields.object("delay") { delay.write(to: &$0) } }
    if let freshness { fields.object("freshness") { freshness.write(to: &$0) } }
    if let departure { fields.object("departure") { departure.write(to: &$0) } }
    if let watches { fields.member("watches", watches) }
    if !refusals.isEmpty { fields.array("refusals", refusals) }
    if !refused.isEmpty { fields.array("refused", refused) }
  }
}

extension StatsReply {
  /// Quantiles of the last one to two minutes, in microseconds.
  package struct Delay: WireMessage {
    package var p50: Int
    package var p99: Int
    package var max: Int

    package init(p50: Int, p99: Int, max: Int) {
      self.p50 = p50
      self.p99 = p99
      self.max = max
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      p50 = try fields.count("p50")
      p99 = try fields.count("p99")
      max = try fields.count("max")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("p50", p50)
      fields.member("p99", p99)
      fields.member("max", max)
    }
  }

  /// Since the start.
  package struct Refusals: WireMessage {
    /// As in the limits of `hello`.
    package var limit: String
    package var count: Int

    package init(limit: String, count: Int) {
      self.limit = limit
      self.count = count
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      limit = try fields.string("limit")
      count = try fields.count("count")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("limit", limit)
      fields.member("count", count)
    }
  }

  package struct RefusedHost: WireMessage {
    package var host: String
    /// The one that refused it last.
    package var limit: String
    package var count: Int

    package init(host: String, limit: String, count: Int) {
      self.host = host
      self.limit = limit
      self.count = count
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      host = try fields.string("host")
      limit = try fields.string("limit")
      count = try fields.count("count")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("host", host)
      fields.member("limit", limit)
      fields.member("count", count)
    }
  }
}
