// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import WireProtocol

/// What each operation of the control plane does: the one place where they meet those who do it.
struct PeerOperations: ControlAnswering {
  let identity: (id: PeerID, name: PeerName)
  /// Absolute.
  let controlPath: String
  let uploads: Endpoint
  let link: IndexLink
  let selection: IndexSelection
  let sharing: Sharing
  let downloader: Downloader
  let index: IndexQueries
  let own: CatalogueQueries
  let transfers: TransferRegistry
  let examination: SelfExamination
  /// Seconds since 1970.
  let wallClock: @Sendable () -> Int64

  func answer(
    _ request: ControlRequest, events: any ControlEvents
  ) async throws(WireFailure) -> any WireReply {
    switch request {
    // The connection answers it by itself.
    case .hello: throw WireFailure(.internal, "hello was not expected here")
    case .add(let files): try await sharing.add(files, events: events)
    case .lookup(let key): try await index.lookup(key)
    case .list(let query) where query.mine: try await own.list(query, events: events)
    case .list(let query): try await index.list(query, events: events)
    case .get(let document): try await get(document, events: events)
    case .remove(let document): try await sharing.remove(document)
    case .status: try await status()
    case .peers(let limit): try await index.peers(limit: limit, events: events)
    case .transfers: try await transfers(events: events)
    case .connect(let address): try await connect(address)
    case .doctor: await examination.examine()
    }
  }

  private func get(_ document: GetDocument, events: any ControlEvents) async throws(WireFailure) -> ControlGetReply {
    try await downloader.get(document) { progress in
      if document.progress { events.offer(.progress(progress)) }
    }
  }

  private func transfers(events: any ControlEvents) async throws(WireFailure) -> ControlTransfersReply {
    let running = transfers.snapshot()
    try await events.send(running.map(ControlEvent.transfer))
    return ControlTransfersReply(transfers: running.count)
  }

  private func status() async throws(WireFailure) -> ControlStatusReply {
    let totals = try await own.totals()
    let status = await link.status
    let age = (NIODeadline.now() - status.since).nanoseconds / 1_000_000_000
    let state = IndexState(
      address: status.address, connected: status.isConnected, since: Timestamp(seconds: wallClock() - age),
      source: selection.current.source, error: status.error)
    return ControlStatusReply(
      name: identity.name, peer: identity.id, socket: controlPath, uploads: uploads, index: state,
      documents: Int(totals.documents), bytes: totals.bytes)
  }

  private func connect(_ address: Endpoint?) async throws(WireFailure) -> ControlConnectReply {
    guard address?.port != 0, address?.host != "" else {
      throw WireFailure(.usage, "an index has a host and a port other than 0")
    }
    try await own.pool.store { [selection] () throws(StoreError) in try selection.choose(address) }
    let chosen = selection.current
    await link.use(chosen.address)
    let isConnected = await link.isConnectedInTime()
    return ControlConnectReply(address: chosen.address, connected: isConnected, source: chosen.source)
  }
}
