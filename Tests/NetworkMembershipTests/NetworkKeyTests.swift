// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

@Suite struct NetworkKeyTests {
  private let directory = try? TemporaryDirectory()
  private let issuer: PassIssuer
  private let key: NetworkKey

  init() throws {
    issuer = PassIssuer(try identity(in: try #require(directory)))
    key = try #require(NetworkKey(issuer.publicKey))
  }

  private func pass(at seconds: Int64 = 0) throws -> SignedPass {
    try #require(issuer.pass(for: peer(1), as: .reader, at: time(seconds)))
  }

  private func refusal(
    _ pass: SignedPass, of id: PeerID = peer(1), at seconds: Int64, grace: Int64 = 0
  ) -> PassRefusal? {
    do throws(PassRefusal) {
      try key.check(pass, of: id, at: time(seconds), grace: grace)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a pass counts for its peer for ten minutes`() throws {
    let pass = try pass()
    #expect(key.network == issuer.network)
    #expect(pass.pass.expires == time(600))
    #expect(refusal(pass, at: 0) == nil)
    #expect(refusal(pass, at: 599) == nil)
    #expect(refusal(pass, at: 600) == .expired)
    #expect(refusal(try SignedPass(pass.text), at: 1) == nil)
  }

  @Test func `the time of grace begins at the end of the pass`() throws {
    let pass = try pass()
    #expect(refusal(pass, at: 4199, grace: 3600) == nil)
    #expect(refusal(pass, at: 4200, grace: 3600) == .expired)
  }

  @Test func `a stolen pass is of no use to another peer`() throws {
    #expect(refusal(try pass(), of: peer(2), at: 0) == .otherPeer)
  }

  @Test func `a pass of another network is refused, whatever it says`() throws {
    let other = PassIssuer(try identity(in: try #require(directory), "other.pem"))
    let pass = try #require(other.pass(for: peer(1), as: .admin, at: time(0)))
    #expect(refusal(pass, at: 0) == .otherNetwork)
    let renamed = Pass(network: issuer.network, peer: peer(1), role: .admin, expires: time(600))
    #expect(refusal(SignedPass(renamed, signature: pass.signature), at: 0) == .forged)
  }

  @Test func `no changed bit is accepted`() throws {
    let pass = try pass()
    let text = Array(pass.text.utf8)
    for position in text.indices {
      var bytes = text
      bytes[position] ^= 1 << UInt8(position % 7)
      guard let changed = String(validating: bytes, as: UTF8.self).flatMap({ try? SignedPass($0) }) else { continue }
      #expect(refusal(changed, at: 0) != nil, "position \(position)")
    }
  }

  @Test func `a higher role with the signature of a lower one is forged`() throws {
    let pass = try pass()
    let admin = Pass(network: issuer.network, peer: peer(1), role: .admin, expires: pass.pass.expires)
    #expect(refusal(SignedPass(admin, signature: pass.signature), at: 0) == .forged)
    let longer = Pass(network: issuer.network, peer: peer(1), role: .reader, expires: time(650))
    #expect(refusal(SignedPass(longer, signature: pass.signature), at: 0) == .forged)
    #expect(refusal(SignedPass(pass.pass, signature: [UInt8](repeating: 0, count: 64)), at: 0) == .forged)
  }

  /// An index whose clock was years ahead made passes that would outlive every revocation.
  @Test func `a pass that is valid for too long is refused`() throws {
    #expect(refusal(try pass(at: 60), at: 0) == nil)
    #expect(refusal(try pass(at: 61), at: 0) == .tooLong)
    #expect(refusal(try pass(at: 100_000_000), at: 0) == .tooLong)
  }

  /// The same statement with another purpose in front of it.
  @Test func `a signature without the domain is forged`() throws {
    let directory = try #require(directory)
    let identity = try identity(in: directory)
    let pass = Pass(network: identity.id, peer: peer(1), role: .reader, expires: time(600))
    let signature = try #require(identity.signature(of: pass.payload))
    #expect(refusal(SignedPass(pass, signature: signature), at: 0) == .forged)
  }

  @Test func `only the key of a P-256 id is one`() throws {
    #expect(NetworkKey([]) == nil)
    #expect(NetworkKey(issuer.publicKey + [0]) == nil)
    #expect(NetworkKey(Array(issuer.publicKey.dropLast())) == nil)
    var random = SeededGenerator(seed: 3)
    for _ in 0..<200 {
      var bytes = issuer.publicKey
      bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      if let key = NetworkKey(bytes) { #expect(key.network != issuer.network) }
    }
  }
}

@Suite struct NetworkClockTests {
  @Test func `time is that of the index, whatever the own clock says`() {
    var clock = NetworkClock()
    let start = ContinuousClock.now
    #expect(clock.time(at: start, wallClock: time(7)) == time(7))
    clock.hear(time(1000), at: start)
    #expect(clock.time(at: start, wallClock: time(-1_000_000)) == time(1000))
    #expect(clock.time(at: start + .seconds(61), wallClock: time(1_000_000)) == time(1061))
    clock.hear(time(500), at: start + .seconds(100))
    #expect(
      clock.time(at: start + .seconds(101), wallClock: time(0)) == time(501), "a step of the index counts at once")
    #expect(clock.time(at: start, wallClock: time(0)) == time(500), "time does not run backwards from what was heard")
  }
}
