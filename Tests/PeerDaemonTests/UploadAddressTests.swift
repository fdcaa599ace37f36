// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Peers listen where their index tells others to connect.
@Suite struct UploadAddressTests {
  @Test(
    arguments: [
      ("127.0.0.1", "127.0.0.1", nil), ("::1", "127.0.0.1", "::1"), ("127.0.0.1", "::1", "127.0.0.1"),
      ("::1", "::", nil), ("127.0.0.1", "::", nil), ("192.0.2.7", "::", nil), ("192.0.2.7", "0.0.0.0", nil),
      ("::1", "0.0.0.0", "::1"), ("::ffff:127.0.0.1", "127.0.0.1", nil), ("127.0.0.1", "192.0.2.7", "127.0.0.1"),
      ("192.0.2.7", "192.0.2.7", nil), ("fe80::1", "127.0.0.1", nil), ("nonsense", "127.0.0.1", nil),
    ] as [(String, String, String?)], [true, false])
  func `loopback in the other family is added`(_ addresses: (String, String, String?), isChosen: Bool) {
    let (own, listening, expected) = addresses
    #expect(UploadAddress.missing(own: own, listening: listening, isChosen: isChosen) == expected)
  }

  @Test(arguments: [("192.0.2.7", "127.0.0.1"), ("2001:db8::7", "127.0.0.1"), ("2001:db8::7", "0.0.0.0")])
  func `network is added unless a person chose the address`(own: String, listening: String) {
    #expect(UploadAddress.missing(own: own, listening: listening, isChosen: false) == own)
    #expect(UploadAddress.missing(own: own, listening: listening, isChosen: true) == nil)
  }

  @Test(arguments: [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("::1", "::1")])
  func `document is fetched whatever the loopback families of index and peers`(
    index: String, peers: String
  ) async throws {
    try await DaemonFixture.with { fixture in
      let bytes = pattern(100_000)
      let source = try fixture.directory.write("source", bytes)
      try await fixture.withIndex(at: index) { endpoint in
        try await fixture.withPeer("alice", index: endpoint, uploads: peers) { alice in
          try await fixture.withPeer("bob", index: endpoint, uploads: peers) { bob in
            _ = try await alice.add([source], key: "file/x")
            let target = fixture.directory.file("target")
            let got = try await bob.ask(.get(GetDocument(key: DocumentKey("file/x"), target: .path(target))))
            #expect(got.failure == nil)
            #expect(TemporaryDirectory.read(target) == bytes)
          }
        }
      }
    }
  }

  @Test func `second socket follows the index`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex(at: "::1") { six in
        try await fixture.withIndex { _ in
          try await fixture.withPeer { alice in
            _ = try await alice.reply(.connect(six), as: ControlConnectReply.self)
            #expect(try await probe(alice, at: "::1", until: nil))
            #expect(try await probe(alice, at: "127.0.0.1", until: nil))
            _ = try await alice.reply(.connect(nil), as: ControlConnectReply.self)
            #expect(try await probe(alice, at: "::1", until: "Connection refused"))
          }
        }
      }
    }
  }

  @Test func `peer that starts while its index is away listens where that has reported it`() async throws {
    try await DaemonFixture.with { fixture in
      let (index, state) = (fixture.indexEndpoint, fixture.directory.file("state-alice"))
      func remember(_ text: String) throws {
        let catalogue = try Catalogue(directory: state)
        try catalogue.set("own_address", to: text)
        catalogue.close()
      }
      try await fixture.withIndex(at: "::1") { six in
        try await fixture.withPeer(index: six) { alice in
          let isReached = try await probe(alice, at: "::1", until: nil)
          #expect(isReached)
        }
        try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
          let isClosed = try await probe(alice, at: "::1", until: "Connection refused")
          #expect(isClosed, "it was another index")
        }
      }
      try remember("\(index) ::1")
      try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
        let (isReached, isOwn) = (
          try await probe(alice, at: "::1", until: nil), try await probe(alice, at: "127.0.0.1", until: nil)
        )
        #expect(isReached && isOwn)
      }
    }
  }

  @Test func `address of the last run counts at the same index and while this machine has it`() throws {
    let (index, other) = (try Endpoint("192.0.2.1:7734"), try Endpoint("192.0.2.1:7735"))
    let own = OwnAddress(index: index, host: "192.0.2.7")
    #expect(OwnAddress(text: own.text) == own)
    #expect(own.isLikely(at: index, interfaces: ["127.0.0.1", "192.0.2.7"]))
    #expect(!own.isLikely(at: index, interfaces: ["127.0.0.1", "192.0.2.8"]))
    #expect(!own.isLikely(at: other, interfaces: ["192.0.2.7"]))
    for text in [nil, "", "192.0.2.7", "192.0.2.1:7734 192.0.2.7 of a later version", "x y"] {
      #expect(OwnAddress(text: text) == nil)
    }
    #expect(!OwnAddress(index: index, host: "nonsense").isLikely(at: index, interfaces: ["nonsense"]))
  }

  /// Whether connecting to a peer comes to have this outcome; `nil` for success.
  private func probe(_ peer: Peer, at host: String, until outcome: String?) async throws -> Bool {
    let identity = (id: Swarm.id("bob"), name: try PeerName("bob"))
    let address = Endpoint(host: host, port: peer.daemon.uploads.port)
    return await eventually(within: .seconds(20)) {
      await PeerProbe.problem(
        at: address, as: identity, expecting: peer.daemon.id, on: MultiThreadedEventLoopGroup.singleton.any(),
        timeout: .seconds(5)) == outcome
    }
  }
}
