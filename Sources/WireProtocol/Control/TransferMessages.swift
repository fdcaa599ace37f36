// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// `transfers`: asks for downloads and uploads.
package struct ListTransfers: WireMessage {
  /// Whether to show the downloads that ended within the last day as well.
  package var all: Bool
  /// Maximum rows, of which the most interesting ones are shown; `nil` for all.
  package var limit: Int?
  /// Whether the rows have a `map`.
  package var map: Bool

  package init(all: Bool = false, limit: Int? = nil, map: Bool = false) {
    self.all = all
    self.limit = limit
    self.map = map
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    all = try fields.optionalBool("all") ?? false
    limit = try fields.optionalInteger("limit", in: 1...Int(Content.maximumSize))
    map = try fields.optionalBool("map") ?? false
  }

  package func write(to fields: inout some FieldWriter) {
    if all { fields.member("all", true) }
    if let limit { fields.member("limit", limit) }
    if map { fields.member("map", true) }
  }
}

/// Everything that is under way, in numbers.
package struct TransferCounts: WireMessage {
  /// Downloads by state.
  package var active = 0
  package var queued = 0
  package var waiting = 0
  package var paused = 0
  package var uploads = 0
  /// Bytes per second of all downloads, and of all uploads.
  package var down: Int64 = 0
  package var up: Int64 = 0

  package init() {}

  package init(_ fields: some FieldReader) throws(WireFailure) {
    active = try fields.count("active")
    queued = try fields.count("queued")
    waiting = try fields.count("waiting")
    paused = try fields.count("paused")
    uploads = try fields.count("uploads")
    down = try fields.size("down")
    up = try fields.size("up")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("active", active)
    fields.member("queued", queued)
    fields.member("waiting", waiting)
    fields.member("paused", paused)
    fields.member("uploads", uploads)
    fields.member("down", down)
    fields.member("up", up)
  }
}

/// The end of `transfers`; the rows were events.
package struct ControlTransfersReply: WireReply {
  /// The number of rows.
  package var transfers: Int
  /// Those of rows that `limit` has left out as well.
  package var counts: TransferCounts

  package init(transfers: Int, counts: TransferCounts = TransferCounts()) {
    self.transfers = transfers
    self.counts = counts
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    transfers = try fields.count("transfers")
    counts = try fields.value("counts") == nil ? TransferCounts() : TransferCounts(fields.object("counts"))
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("transfers", transfers)
    fields.object("counts", counts)
  }
}

/// The progress of a `get`.
package struct DownloadProgress: WireMessage, Hashable {
  /// Verified bytes.
  package var received: Int64
  /// 0 while the content is unknown.
  package var size: Int64
  /// `queued`, `active`, `waiting` or `paused`, or a state of a later version.
  package var state: String
  /// What it does apart from fetching: `checking`, `copying` or `saving`; `nil` for nothing else.
  package var activity: String?
  /// Bytes per second, of the last seconds.
  package var rate: Int64
  /// Remaining time in seconds; `nil` if unknown.
  package var eta: Int64?
  /// The number of sources that delivered within the last seconds.
  package var sources: Int
  /// The name of the fastest one.
  package var peer: String?
  /// Of a prefix: the number of its documents, `nil` while it is unknown, and of those that are there.
  package var documents: Int64?
  package var have: Int64?
  /// Why it waits.
  package var error: String?

  package init(
    received: Int64, size: Int64, state: String = "active", activity: String? = nil, rate: Int64 = 0,
    eta: Int64? = nil, sources: Int = 0, peer: String? = nil, error: String? = nil
  ) {
    self.received = received
    self.size = size
    self.state = state
    self.activity = activity
    self.rate = rate
    self.eta = eta
    self.sources = sources
    self.peer = peer
    self.error = error
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    received = try fields.size("received")
    size = try fields.size("size")
    state = try fields.optionalString("state") ?? "active"
    activity = try fields.optionalString("activity")
    rate = try fields.optionalInteger("rate", in: 0...Content.maximumSize) ?? 0
    eta = try fields.optionalInteger("eta", in: 0...Content.maximumSize)
    sources = try fields.optionalCount("sources") ?? 0
    peer = try fields.optionalString("peer")
    documents = try fields.optionalInteger("documents", in: 0...Content.maximumSize)
    have = try fields.optionalInteger("have", in: 0...Content.maximumSize)
    error = try fields.optionalString("error")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("received", received)
    fields.member("size", size)
    fields.member("state", state)
    if let activity { fields.member("activity", activity) }
    fields.member("rate", rate)
    if let eta { fields.member("eta", eta) }
    fields.member("sources", sources)
    if let peer { fields.member("peer", peer) }
    if let documents { fields.member("documents", documents) }
    if let have { fields.member("have", have) }
    if let error { fields.member("error", error) }
  }
}
