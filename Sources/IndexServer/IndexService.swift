// SPDX-License-Identifier: Apache-2.0

package import DocumentIndex
import Glibc
import Synchronization
package import WireProtocol

/// The index that all connections share, behind one lock, and what every session has to know of it.
///
/// An operation holds the lock for microseconds, so a lock is cheaper than a hop to an owner.
package final class IndexService: Sendable {
  package let limits: IndexLimits
  private let holderAddresses: Mutex<HolderAddresses>
  /// Seconds since 1970.
  let wallClock: @Sendable () -> Int64
  private let index = Mutex(DocumentIndex())
  private let lastSession = Atomic<UInt64>(0)

  package init(
    limits: IndexLimits = IndexLimits(), addresses: HolderAddresses = HolderAddresses(),
    wallClock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
  ) {
    self.limits = limits
    holderAddresses = Mutex(addresses)
    self.wallClock = wallClock
  }

  /// What holds for sessions that begin from now on.
  package var addresses: HolderAddresses {
    get { holderAddresses.withLock { $0 } }
    set { holderAddresses.withLock { $0 = newValue } }
  }

  /// A number that no other session of this index has had.
  func newSession() -> SessionID {
    SessionID(lastSession.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  func withIndex<Result>(_ body: (inout DocumentIndex) -> sending Result) -> sending Result {
    index.withLock { body(&$0) }
  }

  package var statistics: IndexStatistics {
    withIndex { $0.statistics }
  }
}
