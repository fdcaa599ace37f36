// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NetworkMembership
import PeerDaemon
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// Whom a peer serves.
@Suite struct PeerNetworkTests {
  private let directory: TemporaryDirectory
  private let issuer: PassIssuer
  private let other: PassIssuer
  private let start = ContinuousClock.now
  private let bob = PeerID(digest: Digest(hex: String(repeating: "b", count: 64)) ?? .zero)

  init() throws {
    directory = try TemporaryDirectory()
    issuer = PassIssuer(try PeerIdentity.loadOrCreate(at: directory.file("index.pem")))
    other = PassIssuer(try PeerIdentity.loadOrCreate(at: directory.file("other.pem")))
  }

  private func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

  private func standing(of issuer: PassIssuer, at seconds: Int64, withKey: Bool = true) -> MemberStanding {
    MemberStanding(
      role: .reader, time: time(seconds), pass: issuer.pass(for: bob, as: .reader, at: time(seconds)),
      key: withKey ? issuer.publicKey : nil)
  }

  private func member(at seconds: Int64 = 0) throws -> PeerNetwork {
    var network = PeerNetwork()
    try network.greeted(standing(of: issuer, at: seconds), by: issuer.network, at: start)
    return network
  }

  private func refusal(
    _ network: PeerNetwork, _ pass: SignedPass?, of peer: PeerID?, after seconds: Int64 = 0
  ) -> String? {
    do throws(WireFailure) {
      // The own clock is years behind.
      _ = try network.admit(pass, of: peer, at: start + .seconds(seconds), wallClock: Timestamp(seconds: 0))
      return nil
    } catch {
      return error.code == .forbidden ? error.message : "\(error)"
    }
  }

  private func pass(_ issuer: PassIssuer, at seconds: Int64 = 0) throws -> SignedPass {
    try #require(issuer.pass(for: bob, as: .reader, at: time(seconds)))
  }

  @Test func `home is the network that the index has stated last`() throws {
    var network = PeerNetwork()
    #expect(network.home == .open)
    try network.greeted(standing(of: issuer, at: 0), by: issuer.network, at: start)
    network.disconnected()
    #expect(network.home == .closed(issuer.network), "nothing else is known yet")
    #expect(throws: InvalidValue.self) {
      try network.greeted(standing(of: other, at: 0), by: issuer.network, at: start)
    }
    #expect(network.home == .closed(issuer.network), "its key was not that of the index")
    for _ in 0..<2 {
      try network.greeted(MemberStanding(role: nil), by: issuer.network, at: start)
      #expect(network.home == .closed(issuer.network), "the index may not know its own peers yet")
    }
    try network.greeted(MemberStanding(role: nil), by: other.network, at: start)
    #expect(network.home == .nowhere)
    try network.greeted(MemberStanding(role: nil), by: issuer.network, at: start)
    #expect(network.home == .nowhere, "what is shared here before a ticket is there belongs to no network")
    try network.greeted(nil, by: nil, at: start)
    #expect(network.home == .open)
  }

  @Test func `in an open network everybody is served`() {
    let network = PeerNetwork()
    #expect(refusal(network, nil, of: nil) == nil)
    #expect(!network.isClosed && network.pass == nil)
  }

  @Test func `a member serves proven peers with a pass of its network`() throws {
    let network = try member()
    #expect(network.isClosed && network.pass != nil)
    #expect(refusal(network, try pass(issuer), of: bob) == nil)
    #expect(refusal(network, try pass(issuer), of: nil)?.contains("TLS") == true)
    #expect(refusal(network, nil, of: bob)?.contains("show a pass") == true)
    #expect(refusal(network, try pass(other), of: bob)?.contains("another network") == true)
    let thief = PeerID(digest: .zero)
    #expect(refusal(network, try pass(issuer), of: thief)?.contains("another peer") == true)
  }

  @Test func `a pass ends by the clock of the index, and an hour later while that is away`() throws {
    var network = try member()
    let pass = try pass(issuer)
    #expect(refusal(network, pass, of: bob, after: 599) == nil)
    #expect(refusal(network, pass, of: bob, after: 600)?.contains("expired") == true)
    network.disconnected()
    #expect(refusal(network, pass, of: bob, after: 4199) == nil)
    #expect(refusal(network, pass, of: bob, after: 4200)?.contains("expired") == true)
    network.heard(standing(of: issuer, at: 700, withKey: false), at: start + .seconds(700))
    #expect(refusal(network, pass, of: bob, after: 701)?.contains("expired") == true)
  }

  @Test func `what was admitted is judged again`() throws {
    var network = try member()
    let pass = try network.admit(pass(issuer), of: bob, at: start, wallClock: time(0))
    func refusal(_ pass: CheckedPass?, after seconds: Int64) -> Bool {
      (try? network.judge(pass, at: start + .seconds(seconds), wallClock: time(0))) == nil
    }
    #expect(!refusal(pass, after: 599))
    #expect(refusal(pass, after: 600))
    #expect(refusal(nil, after: 0))
    try network.greeted(standing(of: other, at: 0), by: other.network, at: start)
    #expect(refusal(pass, after: 0), "the peer belongs to another network now")
    try network.greeted(nil, by: nil, at: start)
    #expect(!refusal(nil, after: 0))
  }

  @Test func `what begins before the index is reached belongs to its network, whichever that is`() throws {
    var network = try member()
    let place = IndexPlace("192.0.2.1:7734")
    network.turn(to: place)
    #expect(network.homeOfNew == .awaited(place) && network.home == .closed(issuer.network))
    #expect(network.resolve(.awaited(place)) == .awaited(place))
    try network.greeted(standing(of: other, at: 0), by: other.network, at: start)
    #expect(network.homeOfNew == .closed(other.network))
    #expect(network.resolve(.awaited(place)) == .closed(other.network))
    #expect(network.resolve(.awaited(IndexPlace("192.0.2.2:7734"))) != network.home)
    // Without membership it waits for that, in the network of this index.
    try network.greeted(MemberStanding(role: nil), by: issuer.network, at: start)
    #expect(network.home == .nowhere && network.homeOfNew == .closed(issuer.network))
    #expect(network.resolve(.awaited(place)) == .closed(issuer.network))
    try network.greeted(MemberStanding(role: nil), by: nil, at: start)
    #expect(network.homeOfNew == .awaited(place), "it has proven no id")
    network.turn(to: place)
    try network.greeted(nil, by: nil, at: start)
    #expect(network.homeOfNew == .open)
  }

  @Test func `a pass that is shown while everybody is served proves nothing later`() throws {
    var network = PeerNetwork()
    let forged = try network.admit(pass(other), of: bob, at: start, wallClock: time(0))
    #expect(forged == nil)
    try network.greeted(standing(of: issuer, at: 0), by: issuer.network, at: start)
    #expect(throws: WireFailure.self) { try network.judge(forged, at: start, wallClock: time(0)) }
  }

  @Test func `a peer that does not belong serves nobody, not even members`() throws {
    var network = try member()
    network.heard(MemberStanding(role: nil), at: start)
    #expect(refusal(network, try pass(issuer), of: bob)?.contains("no member") == true)
    #expect(network.isClosed && network.pass == nil)
  }

  @Test func `an index cannot state the key of another`() throws {
    var network = PeerNetwork()
    #expect(throws: InvalidValue.self) {
      try network.greeted(standing(of: other, at: 0), by: issuer.network, at: start)
    }
    #expect(throws: InvalidValue.self) {
      try network.greeted(standing(of: issuer, at: 0, withKey: false), by: issuer.network, at: start)
    }
  }

  @Test func `a ping renews the pass, and keeps it if it brings none`() throws {
    var network = try member()
    network.heard(standing(of: issuer, at: 200, withKey: false), at: start + .seconds(200))
    let renewed = network.pass
    #expect(renewed?.pass.expires == time(800))
    network.heard(MemberStanding(role: .publisher, time: time(300)), at: start + .seconds(300))
    #expect(network.pass == renewed && network.role == .publisher)
    network.heard(nil, at: start)
    #expect(network.isClosed)
  }

  @Test func `the network is remembered, so that a peer that has just started serves no strangers`() throws {
    let stored = StoredNetwork(try member())
    let text = try #require(stored.text)
    let again = StoredNetwork(text: text)
    #expect(again == stored)
    let keeper = PassKeeper(again, wallClock: { 1_800_000_000 + 100 })
    let (fresh, forged) = (try pass(issuer), try pass(other))
    #expect(throws: Never.self) { _ = try keeper.admit(fresh, of: bob) }
    #expect(throws: WireFailure.self) { _ = try keeper.admit(forged, of: bob) }
    #expect(throws: WireFailure.self) { _ = try keeper.admit(nil, of: bob) }
    #expect(StoredNetwork(text: nil) == .open)
    for text in [StoredNetwork.outside.text ?? "", "nonsense of a later version", "AAAA"] {
      let keeper = PassKeeper(StoredNetwork(text: text))
      #expect(throws: WireFailure.self) { _ = try keeper.admit(fresh, of: bob) }
    }
  }

  @Test func `what changes is stored, and nothing else`() throws {
    nonisolated(unsafe) var stored: [StoredNetwork] = []
    let keeper = PassKeeper(store: { stored.append($0) })
    try keeper.greeted(nil, by: nil)
    #expect(stored.isEmpty)
    try keeper.greeted(standing(of: issuer, at: 0), by: issuer.network)
    keeper.heard(standing(of: issuer, at: 10, withKey: false))
    keeper.disconnected()
    #expect(stored == [.member(issuer.publicKey)])
    keeper.heard(MemberStanding(role: nil))
    #expect(stored == [.member(issuer.publicKey), .outside])
  }
}
