// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import SupervisorDaemon
import Testing

@Suite struct OwnPeersTests {
  private static func id(_ digit: String) -> PeerID {
    PeerID(digest: Digest(hex: String(repeating: digit, count: 64)) ?? .zero)
  }

  private let alice = id("a")
  private let bob = id("b")

  @Test func `without an index nobody waits`() {
    var own = OwnPeers(hasIndex: false)
    #expect(own.identified("alice", as: alice) == [.release("alice")])
    #expect(own.acknowledged() == [])
  }

  @Test func `a peer goes on when the index knows it`() {
    var own = OwnPeers(hasIndex: true)
    #expect(own.indexStarted() == [.tell([])])
    #expect(own.identified("alice", as: alice) == [.tell([alice])])
    #expect(own.acknowledged() == [], "it knows that there was nobody")
    #expect(own.acknowledged() == [.release("alice")])
    #expect(own.identified("bob", as: bob) == [.tell([alice, bob])])
    #expect(own.acknowledged() == [.release("bob")])
    #expect(own.acknowledged() == [])
  }

  @Test func `peers that come before the index wait for it`() {
    var own = OwnPeers(hasIndex: true)
    #expect(own.identified("alice", as: alice) == [])
    #expect(own.identified("bob", as: bob) == [])
    #expect(own.indexStarted() == [.tell([alice, bob])])
    #expect(own.acknowledged() == [.release("alice"), .release("bob")])
  }

  @Test func `an acknowledgement is of the ids that were sent first`() {
    var own = OwnPeers(hasIndex: true)
    _ = own.indexStarted()
    _ = own.identified("alice", as: alice)
    _ = own.identified("bob", as: bob)
    #expect(own.acknowledged() == [])
    #expect(own.acknowledged() == [.release("alice")])
    #expect(own.acknowledged() == [.release("bob")])
  }

  @Test func `an index that comes back is told again, and nobody waits who went on`() {
    var own = OwnPeers(hasIndex: true)
    _ = own.indexStarted()
    _ = own.identified("alice", as: alice)
    own.indexEnded()
    #expect(own.acknowledged() == [], "of the process that has ended")
    #expect(own.indexStarted() == [.tell([alice])])
    #expect(own.acknowledged() == [.release("alice")])
    own.indexEnded()
    #expect(own.indexStarted() == [.tell([alice])])
    #expect(own.acknowledged() == [])
  }

  @Test func `a peer that has ended does not go on, its next process does`() {
    var own = OwnPeers(hasIndex: true)
    _ = own.indexStarted()
    _ = own.identified("alice", as: alice)
    own.ended("alice")
    #expect(own.acknowledged() == [])
    #expect(own.acknowledged() == [])
    #expect(own.identified("alice", as: alice) == [.tell([alice])])
    #expect(own.acknowledged() == [.release("alice")])
  }

  @Test func `a peer that is removed belongs no longer`() {
    var own = OwnPeers(hasIndex: true)
    _ = own.indexStarted()
    _ = own.identified("alice", as: alice)
    _ = own.identified("bob", as: bob)
    #expect(own.retired("alice") == [.tell([bob])])
    #expect(own.retired("alice") == [])
  }

  @Test func `a peer more than the index is told is left out, and said to be`() throws {
    var own = OwnPeers(hasIndex: true)
    for number in 0..<OwnPeers.maxPeers {
      let digits = String(number + 0x1000, radix: 16)
      let id = try #require(PeerID(hex: digits + String(repeating: "0", count: 64 - digits.utf8.count)))
      #expect(own.identified("peer\(number)", as: id) == [])
    }
    #expect(own.identified("alice", as: alice) == [.leaveOut("alice"), .release("alice")])
    guard case .tell(let ids) = own.indexStarted().first else { return #expect(Bool(false), "nobody is told") }
    #expect(ids.count == OwnPeers.maxPeers && !ids.contains(alice))
    _ = own.retired("peer0")
    #expect(own.identified("alice", as: alice).count == 1, "there is room")
  }
}
