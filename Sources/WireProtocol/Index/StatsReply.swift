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
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("documents", documents)
    fields.member("keys", keys)
    fields.member("records", records)
    fields.member("peers", peers)
    fields.member("sessions", sessions)
    if let time { fields.member("time", time) }
  }
}
