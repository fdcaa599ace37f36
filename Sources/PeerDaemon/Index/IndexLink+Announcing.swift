// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Logging
import NIOCore
package import WireProtocol

/// What we share, told to the index: all of it at each connection, and what changes meanwhile.
extension IndexLink {
  /// Tells the index of new documents.
  ///
  /// - Returns: whether the index acknowledged all of them in time; what it did not is announced at the next connection.
  package func announce(_ documents: [Document]) async -> Bool {
    for document in documents { withdrawn.remove(.init(key: document.key, content: document.content)) }
    let deadline = NIODeadline.now() + timeout.acknowledgement
    guard await waitForConnection(timeout.acknowledgement) else { return false }
    for batch in batches(documents) {
      let left = max(deadline - .now(), .milliseconds(1))
      do throws(WireFailure) { try await add(Array(batch), within: left) } catch { return false }
    }
    return true
  }

  /// Tells the index that records are no more.
  package func withdraw(_ records: [IndexRequest.RecordID]) async -> Bool {
    if announcement != nil { withdrawn.formUnion(records) }
    guard machine.isConnected else { return false }
    var isAcknowledged = true
    for start in stride(from: 0, to: records.count, by: 250) {
      let batch = Array(records[start..<min(start + 250, records.count)])
      do throws(WireFailure) {
        try await exchange(.remove(batch), within: timeout.acknowledgement) { _ in }
      } catch {
        isAcknowledged = false
      }
    }
    return isAcknowledged
  }

  private func add(_ documents: [Document], within timeout: TimeAmount) async throws(WireFailure) {
    let valid = documents.filter { !withdrawn.contains(.init(key: $0.key, content: $0.content)) }
    guard !valid.isEmpty else { return }
    try await exchange(.add(valid), within: timeout) { _ in }
  }

  private func batches(_ documents: [Document]) -> [ArraySlice<Document>] {
    let defaults = IndexLimits()
    return AnnouncementBatches.cut(
      documents, most: greeting?.batch ?? defaults.batch,
      bytes: min(greeting?.line ?? defaults.line, AnnouncementBatches.maxBytes))
  }

  /// Tells the index everything once more, after it did not acknowledge in time; without a connection the next one does.
  package func announceAgain() {
    guard machine.isConnected, announcement == nil else { return }
    announcement = Task { await announceAll() }
  }

  func announceAll() async {
    let generation = generation
    var cursor: AnnouncementCursor?
    repeat {
      let page = await source.page(after: cursor)
      guard generation == self.generation else { return }
      guard let page else {
        logger.error("the catalogue cannot be read", metadata: ["action": "announce"])
        break
      }
      await withTaskGroup(of: Bool.self) { group in
        var underWay = 0
        for batch in batches(page.documents) {
          if underWay == AnnouncementBatches.window {
            _ = await group.next()
          } else {
            underWay += 1
          }
          group.addTask { await self.announced(Array(batch), generation: generation) }
        }
      }
      cursor = page.next
    } while cursor != nil && generation == self.generation
    if generation == self.generation {
      announcement = nil
      withdrawn = []
      logger.debug("announced everything")
    }
  }

  private func announced(_ documents: [Document], generation: Int) async -> Bool {
    guard generation == self.generation else { return false }
    do throws(WireFailure) {
      try await add(documents, within: timeout.answer)
      return true
    } catch {
      logger.warning("index takes no announcement", metadata: ["error": "\(error)"])
      return false
    }
  }
}
