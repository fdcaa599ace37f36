// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Logging
import NIOCore
import WireProtocol

/// Announces shares to the index: all of them on each connection, and what changes meanwhile.
extension IndexLink {
  /// Announces new documents.
  ///
  /// - Parameter home: the only network that may hear of them.
  /// - Returns: whether the index acknowledged all of them within `timeout.acknowledgement`. If not, they are announced
  ///   again later.
  package func announce(_ documents: [Document], in home: Home) async -> Bool {
    let records = documents.map(\.id)
    withdrawn.subtract(records)
    withdrawals.announced(records)
    let deadline = NIODeadline.now() + timeout.acknowledgement
    guard await waitForConnection(timeout.acknowledgement), !isOutside else { return false }
    for batch in batches(documents) {
      let left = max(deadline - .now(), .milliseconds(1))
      // The connection may be another one than that of the batch before.
      guard network == home else { return false }
      do throws(WireFailure) {
        try await add(Array(batch), within: left)
      } catch {
        announcementError = "the index did not acknowledge an addition: \(error.messageWithLimit)"
        carryOut(announcing.fail(.everything, using: &random))
        return false
      }
    }
    return true
  }

  /// Withdraws records of which the network `home` has heard. Those that the index does not acknowledge are withdrawn again later.
  package func withdraw(_ records: [DocumentID], in home: Home) async -> Bool {
    refused.withdrawn(records)
    if announcing.isRunning { withdrawn.formUnion(records) }
    guard network == home, !isOutside else { return false }
    let generation = generation
    guard await remove(records) else {
      if generation == self.generation { carryOut(announcing.fail(.withdrawals, using: &random)) }
      return false
    }
    return true
  }

  /// Announces everything once more, for additions that the index did not acknowledge. Without a connection the next one
  /// does.
  package func announceAgain() {
    guard !isOutside else { return }
    carryOut(announcing.request(.everything))
  }

  // MARK: Requests

  private func add(_ documents: [Document], within timeout: TimeAmount) async throws(WireFailure) {
    let valid = documents.filter { !withdrawn.contains($0.id) }
    guard !valid.isEmpty else { return }
    let generation = generation
    let reply = try await exchange(.add(valid), within: timeout) { reply throws(WireFailure) in try AddReply(reply) }
    guard generation == self.generation else { return }
    refused.added(valid, refused: reply.refused)
    scheduleRetry()
  }

  // MARK: Documents that are not permitted

  /// Seconds until they are tried again.
  private static let refusedPause = TimeAmount.seconds(60)

  /// Those of these documents that the index does not take from this peer, as far as they are remembered.
  package func refused(of documents: [DocumentID]) -> Set<DocumentID> {
    refusal == nil ? Set(documents.filter(refused.contains)) : Set(documents)
  }

  /// How many of these documents the index does not permit this peer to add.
  package func refusedCount(of documents: [DocumentID]) -> Int {
    refused.isEmpty ? 0 : documents.count(where: refused.contains)
  }

  /// What its user should know.
  var refusedError: String? {
    refused.isEmpty
      ? nil
      : "the index does not permit \(refused.count == 1 ? "1 document" : "\(refused.count) documents") of this peer: "
        + "its role or a claim forbids them. They are tried again each minute"
  }

  /// Why an addition was not acknowledged, if the index was reached.
  var announcementRefusal: String? { announcementError ?? turnedAway?.messageWithLimit }

  private func scheduleRetry() {
    guard !refused.isEmpty, refusedTimer == nil else { return }
    refusedTimer = loop.scheduleTask(in: Self.refusedPause) {
      self.assumeIsolated { $0.retryRefused() }
    }
  }

  private func retryRefused() {
    refusedTimer = nil
    guard machine.isConnected else { return }
    switch refused.takeRetry() {
    case nil: break
    case .everything: announceAgain()
    case .documents(let documents):
      let generation = generation
      Task {
        for batch in batches(documents) where generation == self.generation {
          _ = await send(batch: Array(batch), generation: generation)
        }
        scheduleRetry()
      }
    }
  }

  /// - Returns: false if some were not acknowledged; these stay in `withdrawals`.
  private func remove(_ records: [DocumentID]) async -> Bool {
    let generation = generation
    let round = withdrawals.begin(records)
    var isAcknowledged = true
    for batch in batches(records) {
      do throws(WireFailure) {
        try await exchange(.remove(Array(batch)), within: timeout.acknowledgement) { _ in }
        withdrawals.acknowledged(batch, round: round)
      } catch {
        isAcknowledged = false
        // The index drops all records at the end of the connection.
        guard generation == self.generation else { break }
        announcementError = "the index rejected a withdrawal: \(error.messageWithLimit)"
      }
    }
    return isAcknowledged
  }

  private func batches<Entry: Announced>(_ entries: [Entry]) -> [ArraySlice<Entry>] {
    let limits = greeting?.limits ?? IndexLimits()
    return AnnouncementBatches.cut(
      entries, most: limits.batch, bytes: min(limits.line, AnnouncementBatches.maxBytes))
  }

  // MARK: Announcements

  func carryOut(_ action: AnnouncementMachine.Action) {
    switch action {
    case .nothing: break
    case .begin(let work):
      announcement = Task { await run(work) }
    case .wait(let duration):
      logger.warning(
        "announcement incomplete", metadata: ["reason": "\(announcementError ?? "")", "retry in": "\(duration)"])
      retryTimer = loop.scheduleTask(in: TimeAmount(duration)) {
        self.assumeIsolated { $0.carryOut($0.announcing.timerFired()) }
      }
    }
  }

  private func run(_ work: AnnouncementMachine.Work) async {
    let generation = generation
    var left: AnnouncementMachine.Work?
    if await !remove(withdrawals.records) { left = .withdrawals }
    guard generation == self.generation else { return }
    switch work {
    case .withdrawals: break
    case .after(let position): left = await announceShares(after: position)?.merged(with: left) ?? left
    case .everything: left = await announceShares(after: nil)?.merged(with: left) ?? left
    }
    guard generation == self.generation else { return }
    withdrawn = []
    if left == nil {
      announcementError = nil
      logger.debug("announced", metadata: ["work": "\(work)"])
    }
    carryOut(announcing.ended(left: left, using: &random))
  }

  /// - Returns: what the index did not acknowledge; `nil` if it acknowledged everything.
  private func announceShares(after start: DocumentID?) async -> AnnouncementMachine.Work? {
    let generation = generation
    var cursor = start
    var left: AnnouncementMachine.Work?
    repeat {
      let position = cursor.map(AnnouncementMachine.Work.after) ?? .everything
      guard let page = await shares(cursor) else {
        announcementError = "the catalogue cannot be read"
        return left ?? position
      }
      guard generation == self.generation else { return nil }
      if let failure = await send(page.documents, generation: generation) {
        announcementError = "the index rejected the announcement: \(failure.messageWithLimit)"
        left = left ?? position
        // More would be refused for the same reason.
        if failure.code == .tooMany || failure.code == .unavailable { return left }
      }
      cursor = page.next
    } while cursor != nil && generation == self.generation
    return left
  }

  /// - Returns: the first failure.
  private func send(_ documents: [Document], generation: Int) async -> WireFailure? {
    await withTaskGroup(of: WireFailure?.self) { group in
      var failure: WireFailure?
      var underWay = 0
      for batch in batches(documents) {
        if underWay == AnnouncementBatches.window {
          if let result = await group.next() { failure = failure ?? result }
        } else {
          underWay += 1
        }
        group.addTask { await self.send(batch: Array(batch), generation: generation) }
      }
      for await result in group { failure = failure ?? result }
      return failure
    }
  }

  private func send(batch documents: [Document], generation: Int) async -> WireFailure? {
    guard generation == self.generation else { return nil }
    do throws(WireFailure) {
      try await add(documents, within: timeout.answer)
      return nil
    } catch {
      logger.debug("index rejected the announcement", metadata: ["error": "\(error)"])
      return error
    }
  }
}

/// An entry of a request that announces or withdraws.
package protocol Announced: Sendable {
  /// An upper bound of its bytes on the wire: JSON escapes a quote and a backslash to two bytes, and keys and titles
  /// contain nothing that needs more.
  var maxWireBytes: Int { get }
}

extension Document: Announced {
  package var maxWireBytes: Int { 2 * (key.text.utf8.count + title.text.utf8.count) + AnnouncementBatches.fixedBytes }
}

extension DocumentID: Announced {
  package var maxWireBytes: Int { 2 * key.text.utf8.count + AnnouncementBatches.fixedBytes }
}

/// Cuts entries into requests within the limits of the index.
package enum AnnouncementBatches {
  /// Batches that may be under way at a time.
  static let window = 4
  /// Small enough for a slow line to bring each answer before the connection counts as dead.
  static let maxBytes = 256 * 1024
  /// The rest of an entry, or of a request: names of the members, content, size, time, punctuation.
  fileprivate static let fixedBytes = 256

  /// - Parameters:
  ///   - most: entries of one request.
  ///   - bytes: of one request; a single larger entry makes a request of its own.
  package static func cut<Entry: Announced>(_ entries: [Entry], most: Int, bytes: Int) -> [ArraySlice<Entry>] {
    var batches = [ArraySlice<Entry>]()
    var start = entries.startIndex
    var sum = fixedBytes
    for (index, entry) in entries.enumerated() {
      let next = entry.maxWireBytes
      if index > start, index - start >= most || sum + next > bytes {
        batches.append(entries[start..<index])
        start = index
        sum = fixedBytes
      }
      sum += next
    }
    if start < entries.endIndex { batches.append(entries[start...]) }
    return batches
  }
}
