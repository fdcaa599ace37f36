// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation

/// The network in which something was shared, or in which a download began. No other network hears of it.
package enum Home: Hashable, Sendable {
  /// All open networks: whoever shares in one of them shares with everybody.
  case open
  /// The closed network of the index with this id.
  case closed(PeerID)
  /// None: the peer did not belong to the network of its index.
  case nowhere

  /// In the catalogue; empty for none. No index has the id zero: it would have to find a key with that hash.
  var bytes: [UInt8] {
    switch self {
    case .open: Digest.zero.bytes
    case .closed(let index): index.digest.bytes
    case .nowhere: []
    }
  }

  init?(bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty else {
      self = .nowhere
      return
    }
    guard let digest = Digest(bytes: bytes) else { return nil }
    self = digest == .zero ? .open : .closed(PeerID(digest: digest))
  }

  var blob: Data { Data(bytes) }
}

/// The networks that may hear of a share: its home, and those to which its owner released it.
package struct Audience: Hashable, Sendable {
  /// The home comes first.
  private var networks: [Home]

  package init(_ home: Home) {
    networks = home == .nowhere ? [] : [home]
  }

  package func contains(_ network: Home) -> Bool { networks.contains(network) }

  /// The networks of both; the home stays.
  package func union(_ other: Audience) -> Audience {
    var all = self
    for network in other.networks where !contains(network) { all.networks.append(network) }
    return all
  }

  // MARK: In the catalogue

  /// - Parameter blob: one entry of fixed length for each network.
  init?(blob: Data) {
    guard blob.count.isMultiple(of: Digest.byteCount) else { return nil }
    networks = []
    for start in stride(from: blob.startIndex, to: blob.endIndex, by: Digest.byteCount) {
      guard let network = Home(bytes: blob[start..<start + Digest.byteCount]) else { return nil }
      networks.append(network)
    }
  }

  var blob: Data { Data(networks.flatMap(\.bytes)) }
}
