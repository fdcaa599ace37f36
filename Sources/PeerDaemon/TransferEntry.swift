// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import WireProtocol

/// One transfer in progress, as the registry keeps it.
struct TransferEntry {
  private struct Peer {
    let source: TransferRegistry.Source
    var bytes: Int64 = 0
    var meter: RateMeter
    /// Why it was dropped.
    var fault: String?
  }

  /// An upload without requests for this long has ended: the other side took the rest elsewhere.
  private static let uploadPause = TimeAmount.seconds(5)
  /// Sources beyond this number are counted in the total only.
  private static let maxSources = 64

  var transfer: RunningTransfer
  let content: Content
  private var meter: RateMeter
  private var peers: [Peer] = []
  /// Verified bytes.
  private var verified: Int64 = 0
  /// Number of verified pieces; `nil` if the verified bytes are those at the start.
  private var pieces: Int64?
  private var map: PieceSet?
  /// Of a prefix.
  private var documents: (all: Int64?, have: Int64)?
  /// Whether it has no row.
  var isPart = false
  private var lastProgress: NIODeadline
  /// Of an upload: whether bytes are being sent, however slowly.
  private var isSending = false

  init(_ transfer: RunningTransfer, _ content: Content, at now: NIODeadline) {
    self.transfer = transfer
    self.content = content
    meter = RateMeter(start: now)
    lastProgress = now
  }

  // MARK: Events

  /// Of an upload.
  mutating func serves(_ source: TransferRegistry.Source) {
    peers = [Peer(source: source, meter: meter)]
  }

  mutating func send(_ isSending: Bool, at now: NIODeadline) {
    self.isSending = isSending
    lastProgress = now
  }

  /// Of a download: what it had in an earlier process.
  mutating func restore(_ sources: [DownloadRecord.Source]) {
    peers = sources.prefix(Self.maxSources).map { known in
      Peer(
        source: .init(peer: known.peer, name: known.name, host: known.host), bytes: known.bytes, meter: meter,
        fault: known.error)
    }
  }

  /// Of a download that has not begun in this process: what its file has.
  mutating func restore(_ pieces: PieceSet) {
    guard map == nil, self.pieces == nil else { return }
    verify(pieces)
  }

  mutating func verify(_ pieces: PieceSet) {
    map = pieces
    self.pieces = Int64(pieces.population)
    verified = min(Int64(pieces.population) * content.geometry.pieceLength, content.size)
  }

  mutating func verify(pieces: Int64, bytes: Int64) {
    self.pieces = pieces
    verified = bytes
  }

  mutating func verify(upTo offset: Int64) {
    verified = max(verified, offset)
  }

  mutating func count(documents: Int64?, have: Int64, bytes: Int64) {
    self.documents = (documents, have)
    verified = bytes
  }

  mutating func complete(_ pieces: [Int]) {
    var map = map.take() ?? PieceSet(count: Int(content.geometry.pieceCount))
    for piece in pieces { map.insert(piece) }
    self.map = map
  }

  mutating func show(_ state: String, error: String?, at now: NIODeadline) {
    // The time before is none of its rate.
    if state == "active", transfer.state != state { restartMeters(at: now) }
    transfer.state = state
    transfer.error = error
    if state != "active" { transfer.activity = nil }
  }

  private mutating func restartMeters(at now: NIODeadline) {
    meter = RateMeter(start: now)
    for index in peers.indices { peers[index].meter = meter }
  }

  mutating func add(_ bytes: Int64, from source: TransferRegistry.Source?, at now: NIODeadline) {
    lastProgress = now
    transfer.received = Self.sum(transfer.received, bytes)
    meter.add(bytes, at: now)
    guard let source else {
      if peers.count == 1 {
        peers[0].bytes = transfer.received
        peers[0].meter.add(bytes, at: now)
      }
      return
    }
    guard let index = index(of: source, at: now) else { return }
    peers[index].bytes = Self.sum(peers[index].bytes, bytes)
    peers[index].meter.add(bytes, at: now)
  }

  mutating func drop(_ source: TransferRegistry.Source, _ reason: String, at now: NIODeadline) {
    guard let index = index(of: source, at: now) else { return }
    peers[index].fault = reason
  }

  /// `nil` beyond the maximum.
  private mutating func index(of source: TransferRegistry.Source, at now: NIODeadline) -> Int? {
    if let known = peers.firstIndex(where: { $0.source == source }) { return known }
    guard peers.count < Self.maxSources else { return nil }
    peers.append(Peer(source: source, meter: RateMeter(start: now)))
    return peers.count - 1
  }

  private static func sum(_ total: Int64, _ bytes: Int64) -> Int64 {
    let (sum, hasOverflown) = total.addingReportingOverflow(bytes)
    return hasOverflown ? Content.maximumSize : min(sum, Content.maximumSize)
  }

  // MARK: Views

  func isOver(at now: NIODeadline) -> Bool {
    transfer.direction == .upload && !isSending && now - lastProgress >= Self.uploadPause
  }

  /// What is most interesting comes first.
  var rank: Int {
    switch (transfer.direction, transfer.state) {
    case (.download, "active"): 0
    case (.upload, _): 1
    case (.download, "waiting"): 2
    case (.download, "paused"): 3
    case (.download, _): 4
    }
  }

  func count(in counts: inout TransferCounts, at now: NIODeadline) {
    guard transfer.direction == .download else {
      counts.uploads += 1
      counts.up += meter.rate(at: now)
      return
    }
    switch transfer.state {
    case "active": counts.active += 1
    case "waiting": counts.waiting += 1
    case "paused": counts.paused += 1
    default: counts.queued += 1
    }
    if transfer.state == "active" { counts.down += meter.rate(at: now) }
  }

  func row(at now: NIODeadline, hasMap: Bool = false) -> RunningTransfer {
    var row = transfer
    // What was moved just before a pause is no rate.
    let isActive = row.state == "active"
    row.rate = isActive ? meter.rate(at: now) : 0
    row.sources = peers.map { peer in
      .init(
        name: peer.source.name, id: peer.source.peer, host: peer.source.host,
        rate: isActive ? peer.meter.rate(at: now) : 0, bytes: peer.bytes, error: peer.fault)
    }
    guard row.direction == .download else { return row }
    if let documents {
      (row.pieces, row.have) = (documents.all, documents.have)
      return row
    }
    let geometry = content.geometry
    row.pieces = geometry.pieceCount
    row.have = verified >= content.size ? geometry.pieceCount : pieces ?? verified / geometry.pieceLength
    if hasMap { row.map = map }
    row.eta = eta(at: row.rate)
    return row
  }

  func progress(at now: NIODeadline) -> DownloadProgress {
    let rate = meter.rate(at: now)
    var progress = DownloadProgress(
      received: documents == nil ? min(verified, content.size) : verified, size: content.size, state: transfer.state,
      activity: transfer.activity, error: transfer.error)
    (progress.documents, progress.have) = (documents?.all, documents?.have)
    guard transfer.state == "active" else { return progress }
    let rates = peers.map { (name: $0.source.name, rate: $0.meter.rate(at: now)) }.filter { $0.rate > 0 }
    (progress.rate, progress.eta, progress.sources) = (rate, eta(at: rate), rates.count)
    progress.peer = rates.max { $0.rate < $1.rate }?.name
    return progress
  }

  private func eta(at rate: Int64) -> Int64? {
    transfer.state == "active" && rate > 0 && documents == nil ? max(content.size - verified, 0) / rate : nil
  }

  var totals: TransferRegistry.Totals {
    var totals = TransferRegistry.Totals()
    totals.received = transfer.received
    for peer in peers {
      totals.sources[peer.source, default: 0] += peer.bytes
      totals.faults[peer.source] = peer.fault
    }
    return totals
  }

  /// As the catalogue keeps them.
  var records: [DownloadRecord.Source] {
    peers.map { peer in
      .init(
        peer: peer.source.peer, name: peer.source.name, host: peer.source.host, bytes: peer.bytes, error: peer.fault)
    }
  }
}
