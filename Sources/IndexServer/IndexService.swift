// SPDX-License-Identifier: Apache-2.0

package import DocumentIndex
import Glibc
package import LineTransport
package import NIOCore
import Synchronization
package import WireProtocol

/// The index that all connections share, behind one lock, and what every session needs to know about it.
///
/// An operation holds the lock for microseconds, so a lock costs less than a hop to an owner.
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

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - refusals: maximum number of refusals sent at a time.
  ///   - report: gets a line for the log when connections are refused or cannot be accepted.
  /// - Throws: the errno of bind(2) or listen(2) as `IOError`, or `ListenerError`.
  package func serve(
    at listener: LineServer.Listener, group: any EventLoopGroup, refusals: Int = 64,
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> LineServer {
    let gate = ConnectionGate(
      limit: limits.connections, limitOfAddress: limits.connectionsPerAddress, refusalLimit: refusals)
    return try await LineServer.start(
      listener, group: group, limits: LineLimits(line: limits.line), gate: gate, report: report
    ) { _ in IndexRole(service: self) }
  }

  /// For sessions that begin from now on.
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
