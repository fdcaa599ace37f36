// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Changes and questions that wait for the thread of a closed network: so many in all, and a few of each peer. Many peers
/// together can keep others out, but not the operator.
package struct WaitingChanges {
  private static let limit = 512
  /// Of these, for the operator and the index itself.
  private static let reserved = 64
  private static let limitOfPeer = 8

  private var total = 0
  private var ofPeers: [PeerID: Int] = [:]

  package init() {}

  /// - Parameter peer: who asks; `nil` for the operator and for the index itself.
  /// - Returns: whether one more may wait; then `leave` has to be called.
  package mutating func enter(_ peer: PeerID?) -> Bool {
    guard total < Self.limit - (peer == nil ? 0 : Self.reserved) else { return false }
    if let peer {
      let count = ofPeers[peer, default: 0]
      guard count < Self.limitOfPeer else { return false }
      ofPeers[peer] = count + 1
    }
    total += 1
    return true
  }

  package mutating func leave(_ peer: PeerID?) {
    total -= 1
    guard let peer, let count = ofPeers[peer] else { return }
    ofPeers[peer] = count > 1 ? count - 1 : nil
  }
}

/// Counts how often each peer changes claims: each change is written to the disk and to the audit log.
struct ClaimChanges {
  static let limit = 1000
  private static let seconds: Int64 = 3600

  private var hour: Int64 = 0
  private var counts: [PeerID: Int] = [:]

  /// - Returns: whether the peer may make one more change in this hour.
  mutating func take(_ peer: PeerID, at now: Timestamp) -> Bool {
    let hour = now.seconds / Self.seconds
    if hour != self.hour { (self.hour, counts) = (hour, [:]) }
    let count = counts[peer, default: 0]
    guard count < Self.limit else { return false }
    counts[peer] = count + 1
    return true
  }

  /// Seconds until all may change claims again.
  static func retryAfter(_ now: Timestamp) -> Int { Int(seconds - now.seconds % seconds) }
}
