// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Logging
package import NIOPosix
import Synchronization
package import WireProtocol

/// What this peer has uploaded and downloaded in all its processes.
///
/// Written a few seconds after a change: a process that is killed loses that much. A file system that takes no more delays the
/// writing only.
package final class MovedTotals: Sendable {
  /// Name of the value in the catalogue: bytes up, bytes down, and the second since which they are counted.
  private static let setting = "moved"

  private let transfers: TransferRegistry
  private let catalogue: Catalogue
  private let pool: NIOThreadPool
  /// At the start of this process.
  private let earlier: MovedBytes
  private let written: Mutex<MovedBytes?>

  private init(
    _ transfers: TransferRegistry, _ catalogue: Catalogue, _ pool: NIOThreadPool, earlier: MovedBytes, isKnown: Bool
  ) {
    self.transfers = transfers
    self.catalogue = catalogue
    self.pool = pool
    self.earlier = earlier
    written = Mutex(isKnown ? earlier : nil)
  }

  /// Reads what was written; begins to count if there is nothing.
  package static func open(
    _ transfers: TransferRegistry, catalogue: Catalogue, pool: NIOThreadPool, now: Timestamp
  ) async -> MovedTotals {
    let text = try? await pool.store { () throws(StoreError) in try catalogue.setting(setting) ?? "" }
    let known = text.flatMap(parsed)
    return MovedTotals(
      transfers, catalogue, pool, earlier: known ?? MovedBytes(uploaded: 0, downloaded: 0, since: now),
      isKnown: known != nil)
  }

  /// `nil` for a value that this version cannot read.
  private static func parsed(_ text: String) -> MovedBytes? {
    let numbers = text.split(separator: " ").compactMap { Int64($0) }
    guard numbers.count == 3, numbers.allSatisfy({ (0...Content.maximumSize).contains($0) }) else { return nil }
    return MovedBytes(uploaded: numbers[0], downloaded: numbers[1], since: Timestamp(seconds: numbers[2]))
  }

  package var current: MovedBytes {
    let moved = transfers.movedBytes
    return MovedBytes(
      uploaded: Self.sum(earlier.uploaded, moved.up), downloaded: Self.sum(earlier.downloaded, moved.down),
      since: earlier.since)
  }

  private static func sum(_ first: Int64, _ second: Int64) -> Int64 {
    let (sum, hasOverflown) = first.addingReportingOverflow(second)
    return hasOverflown ? Content.maximumSize : min(max(sum, 0), Content.maximumSize)
  }

  /// Writes what changes until the task is cancelled.
  package func run(every interval: Duration = .seconds(3)) async {
    repeat { await write() } while (try? await Task.sleep(for: interval)) != nil
  }

  /// Writes what has changed. Best effort.
  package func write() async {
    let current = current
    guard written.withLock({ $0 }) != current else { return }
    let text = "\(current.uploaded) \(current.downloaded) \(current.since.seconds)"
    do throws(WireFailure) {
      try await pool.store { [catalogue] () throws(StoreError) in try catalogue.set(Self.setting, to: text) }
      written.withLock { $0 = current }
    } catch {
      // The next time has these bytes as well.
    }
  }
}
