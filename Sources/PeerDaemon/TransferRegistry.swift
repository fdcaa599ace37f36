// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import NIOCore
import Synchronization
package import WireProtocol

/// The downloads and uploads in progress.
package final class TransferRegistry: Sendable {
  fileprivate struct Entry {
    var transfer: RunningTransfer
    let started: NIODeadline
  }

  fileprivate let entries = Mutex<[UInt64: Entry]>([:])
  private let lastID = Atomic<UInt64>(0)

  package init() {}

  /// Registers a transfer until its handle ends.
  package func begin(
    _ direction: RunningTransfer.Direction, key: DocumentKey?, content: Content, peer: String, host: String
  ) -> TransferHandle {
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
    let transfer = RunningTransfer(
      direction: direction, key: key, content: content, done: 0, peer: peer, host: host, seconds: 0)
    entries.withLock { $0[id] = Entry(transfer: transfer, started: .now()) }
    return TransferHandle(id: id, registry: self)
  }

  /// All transfers, oldest first.
  package func snapshot() -> [RunningTransfer] {
    let now = NIODeadline.now()
    let running = entries.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    return running.map { entry in
      var transfer = entry.transfer
      transfer.seconds = Double((now - entry.started).nanoseconds) / 1e9
      return transfer
    }
  }
}

/// One transfer in progress. It ends with `end`, or when the handle is released.
package final class TransferHandle: Sendable {
  private let id: UInt64
  private let registry: TransferRegistry

  fileprivate init(id: UInt64, registry: TransferRegistry) {
    self.id = id
    self.registry = registry
  }

  deinit { end() }

  /// - Parameter bytes: transferred since the last call.
  package func progress(_ bytes: Int64) {
    registry.entries.withLock { entries in
      guard let done = entries[id]?.transfer.done else { return }
      entries[id]?.transfer.done = done.addingReportingOverflow(bytes).partialValue
    }
  }

  /// Sets the peer on the other side.
  package func setPeer(_ peer: String, host: String) {
    registry.entries.withLock { entries in
      entries[id]?.transfer.peer = peer
      entries[id]?.transfer.host = host
    }
  }

  package func end() {
    registry.entries.withLock { $0[id] = nil }
  }
}
