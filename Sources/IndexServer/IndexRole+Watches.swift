// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// The watches of one session.
struct SessionWatches {
  let outbox: WatchOutbox
  /// By their numbers.
  var ids: [Int: WatchID] = [:]
  /// The number of the last event of each.
  var sequence: [Int: Int] = [:]
  /// Those whose state is not told yet.
  var untold = CircularBuffer<WatchID>()
  var last = 0
  /// Whether events wait for their turn, or for the system to take them.
  var isSending = false
  var isTelling = false
}

/// Watches: the state as it is, then what changes, at the pace of the reader.
extension IndexRole {
  func watch(_ query: WatchQuery, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    guard let connection else { throw WireFailure(.unavailable, "the connection is closing") }
    let limits = service.limits
    var watches = self.watches ?? SessionWatches(outbox: outbox(for: connection))
    guard watches.ids.count < limits.watches else {
      throw WireFailure(
        .tooMany, "a session has at most \(limits.watches) watches", limit: .init("watches", limits.watches))
    }
    let subject = query.subject
    if case .documents(let filter) = subject { try Self.check(filter.query) }
    watches.last += 1
    let watch: WatchID
    do throws(WatchRefusal) {
      watch = try service.watch(subject, number: watches.last, watches.outbox, of: session?.origin.block)
    } catch {
      throw WireFailure(error)
    }
    watches.ids[watches.last] = watch
    watches.untold.append(watch)
    self.watches = watches
    output.writeReply(id: id) { WatchReply(watch: watches.last).write(to: &$0) }
    tellState()
  }

  func unwatch(_ number: Int, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    guard let watch = watches?.ids.removeValue(forKey: number) else {
      throw WireFailure(.notFound, "this session has no watch \(number)")
    }
    watches?.sequence[number] = nil
    watches?.untold.removeAll { $0 == watch }
    service.unwatch([watch])
    output.writeReply(id: id) { _ in }
  }

  func endWatches() {
    guard let watches = self.watches.take() else { return }
    watches.outbox.close()
    service.unwatch(Array(watches.ids.values))
  }

  private func outbox(for connection: any LineConnection) -> WatchOutbox {
    let loop = connection.eventLoop
    let bound = NIOLoopBound(self, eventLoop: loop)
    return WatchOutbox(budget: service.watchBudget) { loop.execute { bound.value.sendEvents() } }
  }

  // MARK: The state as it is

  /// Tells the next slices, in turns with other connections, as long as the reader takes them.
  private func tellState() {
    guard watches?.isTelling == false, watches?.untold.isEmpty == false, let turns = connection?.turns else { return }
    watches?.isTelling = true
    turns.take { [weak self] in self?.tellSlice() ?? false }
  }

  /// - Returns: whether to go on.
  private func tellSlice() -> Bool {
    guard let watches, let watch = watches.untold.first, watches.outbox.hasRoom else {
      self.watches?.isTelling = false
      return false
    }
    if service.tell(watch, using: &generator) { _ = self.watches?.untold.popFirst() }
    return true
  }

  // MARK: Sending

  /// Handed to the system at a time, in bytes.
  private static let chunk = 64 << 10

  /// In turns with other connections: thousands of watchers may have much to be told at once.
  private func sendEvents() {
    guard watches?.isSending == false, let turns = connection?.turns else { return }
    watches?.isSending = true
    turns.wait { [weak self] in self?.sendChunk() }
  }

  private func sendChunk() {
    guard let watches, let connection, let session else { return }
    let items = watches.outbox.take(Self.chunk)
    guard !items.isEmpty else {
      self.watches?.isSending = false
      return tellState()
    }
    var output = JSONWriter()
    for item in items { write(item, session.origin.asker, &output) }
    chargeEvents(output.bytes.count)
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    // What the system has not taken yet counts for the reader: no more is taken out meanwhile.
    connection.send(bytes: ByteBuffer(bytes: output.bytes)).whenComplete { [service] _ in
      let now = NIODeadline.now()
      for item in items { service.freshness.note(now - item.since, at: now) }
      bound.value.watches?.isSending = false
      bound.value.sendEvents()
    }
  }

  private func write(_ item: WatchOutbox.Item, _ asker: Asker, _ output: inout JSONWriter) {
    // Whatever is left of a watch that has ended is not told.
    guard let id = watches?.ids[item.watch] else { return }
    guard let body = item.telling.body(for: asker) else { return reconcileLater(id) }
    let number = watches?.sequence[item.watch, default: 0] ?? 0
    watches?.sequence[item.watch] = number + 1
    WatchEvent(watch: item.watch, seq: number + 1, body).writeLine(to: &output)
    guard body == .overflow else { return }
    watches?.ids[item.watch] = nil
    watches?.sequence[item.watch] = nil
    watches?.untold.removeAll { $0 == id }
  }

  /// Between two events about a content with more holders than are told.
  private static let pace = TimeAmount.milliseconds(100)

  private func reconcileLater(_ id: WatchID) {
    guard let loop = connection?.eventLoop else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: Self.pace) {
      if bound.value.service.reconcile(id) { bound.value.reconcileLater(id) }
    }
  }
}

extension WireFailure {
  /// Seconds after which a retry makes sense.
  private static let retryAfter = 5

  fileprivate init(_ refusal: WatchRefusal) {
    switch refusal {
    case .tooMany(let limit):
      self.init(
        .tooMany, "the index has too many watches", limit: .init("watches_total", limit), retryAfter: Self.retryAfter)
    case .tooManyOfAddress(let limit):
      self.init(
        .tooMany, "an address has at most \(limit) watches", limit: .init("watches_per_address", limit),
        retryAfter: Self.retryAfter)
    case .tooMuchMemory(let limit):
      self.init(
        .tooMany, "the index has no memory for the watch: it may use \(limit) bytes", limit: .init("memory", limit),
        retryAfter: Self.retryAfter)
    case .tooMuchMemoryOfAddress(let limit):
      self.init(
        .tooMany, "the watches of an address take at most \(limit) bytes", limit: .init("memory_per_address", limit),
        retryAfter: Self.retryAfter)
    }
  }
}

extension WatchQuery {
  fileprivate var subject: WatchSubject {
    switch self {
    case .content(let content): .content(content)
    case .documents(let filter):
      .documents(
        WatchFilter(
          key: filter.key, collection: filter.collection, prefix: filter.prefix ?? "", words: filter.words))
    }
  }
}

extension WatchOutbox.Telling {
  /// `nil` for what only the index needs to know.
  fileprivate func body(for asker: Asker) -> WatchEvent.Body? {
    switch self {
    case .overflow: .overflow
    case .event(.crowded): nil
    case .event(.current): .current
    case .event(.document(let change, let document, let total)): .document(change.word, document, total: total)
    case .event(.holder(let change, let holder)):
      .holder(
        change.word,
        Holder(
          peer: holder.peer, name: holder.name, host: HolderAddresses.reported(holder.host, to: asker),
          port: holder.port, complete: holder.complete, proven: holder.proven))
    }
  }
}

extension IndexEvent.DocumentChange {
  fileprivate var word: DocumentChange {
    switch self {
    case .appeared: .appeared
    case .updated: .updated
    case .gone: .gone
    }
  }
}

extension IndexEvent.HolderChange {
  fileprivate var word: HolderChange {
    switch self {
    case .joined: .joined
    case .completed: .completed
    case .left: .left
    }
  }
}
