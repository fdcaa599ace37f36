// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Counts the connections of a server and of each address, and refuses those beyond the limits.
///
/// Connections from the machine itself and those of Unix sockets count for the total, not for their address.
package final class ConnectionGate: Sendable {
  private struct Counts {
    var total = 0
    var ofAddress: [String: Int] = [:]
    var refusals = 0
  }

  /// What all that are inside may hold of lines that have not ended.
  package let input: LineBudget
  /// What all that are inside may make us hold of answers that they do not take.
  package let output: LineBudget
  private let limit: Int
  private let limitOfAddress: Int
  private let refusalLimit: Int
  private let counts = Mutex(Counts())

  /// - Parameter refusalLimit: how many of those that are refused may be told so at a time.
  package init(
    limit: Int, limitOfAddress: Int, refusalLimit: Int = 64, input: LineBudget = LineBudget(),
    output: LineBudget = LineBudget()
  ) {
    self.input = input
    self.output = output
    self.limit = limit
    self.limitOfAddress = limitOfAddress
    self.refusalLimit = refusalLimit
  }

  /// How many are inside.
  package var count: Int { counts.withLock { $0.total } }

  /// `nil` where it may enter; then `leave` must be called with the same address.
  package func enter(_ address: SocketAddress?) -> ConnectionRefusal? {
    let host = countedHost(address)
    return counts.withLock { counts in
      guard counts.total < limit else { return .tooMany(limit: limit) }
      if let host {
        guard counts.ofAddress[host, default: 0] < limitOfAddress else {
          return .tooManyOfAddress(limit: limitOfAddress)
        }
        counts.ofAddress[host, default: 0] += 1
      }
      counts.total += 1
      return nil
    }
  }

  package func leave(_ address: SocketAddress?) {
    let host = countedHost(address)
    counts.withLock { counts in
      counts.total -= 1
      guard let host, let count = counts.ofAddress[host] else { return }
      counts.ofAddress[host] = count > 1 ? count - 1 : nil
    }
  }

  /// Telling that a connection is refused keeps it for a moment: in a flood of them most are closed without a word.
  /// - Returns: whether one may be told; then `endRefusal` must be called.
  package func beginRefusal() -> Bool {
    counts.withLock { counts in
      guard counts.refusals < refusalLimit else { return false }
      counts.refusals += 1
      return true
    }
  }

  package func endRefusal() {
    counts.withLock { $0.refusals -= 1 }
  }

  private func countedHost(_ address: SocketAddress?) -> String? {
    guard let address, !address.isLoopback else { return nil }
    return address.hostText
  }
}
