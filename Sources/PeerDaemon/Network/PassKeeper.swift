// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Glibc
import NetworkMembership
import Synchronization
package import WireProtocol

/// The network of this peer, as its link to the index and its connections to other peers share it.
package final class PassKeeper: Sendable {
  private let network: Mutex<PeerNetwork>
  private let wallClock: @Sendable () -> Int64
  /// Called with what the next start has to know, when that changes.
  private let store: @Sendable (StoredNetwork) -> Void

  /// - Parameter stored: of the last run.
  package init(
    _ stored: StoredNetwork = .open, grace: Int64 = PeerNetwork.usualGrace,
    wallClock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) },
    store: @escaping @Sendable (StoredNetwork) -> Void = { _ in }
  ) {
    network = Mutex(stored.network(grace: grace))
    self.wallClock = wallClock
    self.store = store
  }

  private func change<Failure: Error>(_ body: (inout PeerNetwork) throws(Failure) -> Void) throws(Failure) {
    let changed = try network.withLock { network throws(Failure) -> StoredNetwork? in
      let before = StoredNetwork(network)
      try body(&network)
      let after = StoredNetwork(network)
      return before == after ? nil : after
    }
    if let changed { store(changed) }
  }

  // MARK: The index

  /// - Throws: if the index states the key of another one.
  package func greeted(_ standing: MemberStanding?, by index: PeerID?) throws(InvalidValue) {
    try change { network throws(InvalidValue) in try network.greeted(standing, by: index, at: .now) }
  }

  package func heard(_ standing: MemberStanding?) { change { $0.heard(standing, at: .now) } }

  /// The user wants another index.
  package func turn(to place: IndexPlace) {
    network.withLock { $0.turn(to: place) }
  }

  package func disconnected() { change { $0.disconnected() } }

  /// To be shown to other peers.
  package var pass: SignedPass? { network.withLock { $0.pass } }
  package var role: MemberRole? { network.withLock { $0.role } }
  package var isClosed: Bool { network.withLock { $0.isClosed } }
  /// The network of the last connection to an index: what belongs to another one is not told to it, nor served.
  package var home: Home { network.withLock { $0.home } }
  /// The network of what is shared or begins now.
  package var homeOfNew: Home { network.withLock { $0.homeOfNew } }
  /// What a home of earlier has become, if it waited for an index.
  package func resolve(_ home: Home) -> Home { network.withLock { $0.resolve(home) } }

  // MARK: Other peers

  /// - Returns: `nil` if everybody is served.
  /// - Throws: what the other peer is told.
  package func admit(_ pass: SignedPass?, of peer: PeerID?) throws(WireFailure) -> CheckedPass? {
    try network.withLock { $0 }.admit(pass, of: peer, at: .now, wallClock: Timestamp(seconds: wallClock()))
  }

  /// - Throws: what the other peer is told.
  package func judge(_ pass: CheckedPass?) throws(WireFailure) {
    try network.withLock { $0 }.judge(pass, at: .now, wallClock: Timestamp(seconds: wallClock()))
  }
}

/// What a peer remembers of its network from one run to the next, so that it does not serve strangers while it has not
/// reached its index yet.
package enum StoredNetwork: Equatable, Sendable {
  case open
  case outside
  /// The public key of the index.
  case member([UInt8])

  private static let outsideText = "outside"

  package init(_ network: PeerNetwork) {
    switch network.state {
    case .open: self = .open
    case .outside: self = .outside
    case .member(let key, _, _): self = .member(key.bytes)
    }
  }

  /// A text that makes no sense is that of a later version: nobody is served until the index has been reached.
  package init(text: String?) {
    switch text {
    case nil: self = .open
    case let text?: self = Base64URL.decode(text.utf8).map { .member($0) } ?? .outside
    }
  }

  /// `nil` for an open network.
  package var text: String? {
    switch self {
    case .open: nil
    // A dot is no digit of base64url.
    case .outside: ".\(Self.outsideText)"
    case .member(let key): Base64URL.encode(key)
    }
  }

  fileprivate func network(grace: Int64) -> PeerNetwork {
    switch self {
    case .open: PeerNetwork(grace: grace)
    case .outside: PeerNetwork(isOutside: true, grace: grace)
    case .member(let bytes):
      NetworkKey(bytes).map { PeerNetwork(key: $0, grace: grace) } ?? PeerNetwork(isOutside: true, grace: grace)
    }
  }
}
