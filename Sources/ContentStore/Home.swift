// SPDX-License-Identifier: Apache-2.0

import struct Crypto.SHA256
package import DocumentModel
import Foundation

/// The network in which something was shared, or in which a download began. No other network hears of it.
package enum Home: Hashable, Sendable {
  /// All open networks: whoever shares in one of them shares with everybody.
  case open
  /// The closed network of the index with this id.
  case closed(PeerID)
  /// The network of an index that had not been reached yet: which one that is shows when it is.
  case awaited(IndexPlace)
  /// None: the peer did not belong to the network of its index.
  case nowhere

  /// In the catalogue; empty for none. No index has the id zero, or one that begins with 16 bytes of zero: it would have to
  /// find a key with that hash.
  var bytes: [UInt8] {
    switch self {
    case .open: Digest.zero.bytes
    case .closed(let index): index.digest.bytes
    case .awaited(let place): Self.noIndex + place.mark
    case .nowhere: []
    }
  }

  init?(bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty else {
      self = .nowhere
      return
    }
    guard let digest = Digest(bytes: bytes) else { return nil }
    if digest == .zero {
      self = .open
    } else if digest.bytes.starts(with: Self.noIndex) {
      self = .awaited(IndexPlace(mark: Array(digest.bytes.dropFirst(Self.noIndex.count))))
    } else {
      self = .closed(PeerID(digest: digest))
    }
  }

  private static let noIndex = [UInt8](repeating: 0, count: IndexPlace.length)

  var blob: Data { Data(bytes) }
}

/// Where a peer looks for its index: an address, or wherever the index of its own supervisor is.
package struct IndexPlace: Hashable, Sendable {
  static let length = Digest.byteCount / 2

  /// The beginning of a hash: it tells places apart, and takes as little room in the catalogue as an id.
  let mark: [UInt8]

  init(mark: [UInt8]) {
    self.mark = mark
  }

  /// - Parameter name: has to be the same at each start.
  package init(_ name: String) {
    mark = Array(SHA256.hash(data: Array(name.utf8)).prefix(Self.length))
  }
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

  /// The same with one network in the place of another.
  func replacing(_ network: Home, with other: Home) -> Audience {
    var all = Audience(.nowhere)
    for home in networks.map({ $0 == network ? other : $0 }) { all = all.union(Audience(home)) }
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
