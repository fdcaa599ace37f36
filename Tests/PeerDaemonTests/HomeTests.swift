// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import NetworkMembership
import PeerDaemon
import PeerIdentity
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// What belongs to one network stays in it.
@Suite struct HomeTests {
  private static let elsewhere = "began in another network"

  /// Makes a member believe that its index has become that of a closed network, or of an open one.
  private func enter(_ issuer: PassIssuer?, _ member: Member) async throws {
    let standing = issuer.map {
      MemberStanding(role: .publisher, time: Timestamp(seconds: 0), pass: nil, key: $0.publicKey)
    }
    try member.passes.greeted(standing, by: issuer?.network)
    await member.downloads.indexConnected()
  }

  private func issuer(_ directory: TemporaryDirectory, _ name: String = "index") throws -> PassIssuer {
    PassIssuer(try PeerIdentity.loadOrCreate(at: directory.file("\(name).pem")))
  }

  // MARK: Downloads

  @Test(.timeLimit(.minutes(1))) func `file that takes the name of a download meanwhile is not released`() async throws
  {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      let closed = Home.closed(Swarm.id("index"))
      let getting = Task { try await scene.bob.downloads.get(scene.request()) }
      #expect(await eventually { scene.fetch.running == 1 })
      let path = try scene.swarm.directory.write("target", scene.bytes)
      let file = try FileHasher(layers: scene.bob.catalogue.layers).hash(path)
      try scene.bob.catalogue.add(
        [
          Share(
            document: scene.document, path: path, origin: .added, fingerprint: file.fingerprint,
            audience: Audience(closed))
        ], hashed: [file])
      scene.fetch.become(.copy)
      #expect(try await getting.value.path == path)
      #expect(try scene.bob.catalogue.shares(at: path).map(\.audience) == [Audience(closed)])
      let found = try await scene.alice.link.ask(.lookup(.init(.key(scene.document.key))), in: .open, LookupReply.init)
      #expect(found.contents.map(\.total) == [1])
    }
  }

  @Test(.timeLimit(.minutes(1))) func `download waits in other networks and goes on in its own`() async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      _ = try await scene.bob.downloads.detach(scene.request())
      #expect(await eventually { scene.fetch.running == 1 })
      let closed = try issuer(scene.swarm.directory)
      try await enter(closed, scene.bob)
      #expect(await scene.state("waiting"))
      #expect(await eventually { scene.fetch.running == 0 })
      #expect(scene.rows.first?.error?.contains("\(Self.elsewhere): an open one") == true)
      // A command changes nothing, and the same target is taken.
      _ = try await scene.bob.downloads.resume(.all)
      let error = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.detach(scene.request()) }
      #expect(error?.message.contains(Self.elsewhere) == true, "\(String(describing: error))")
      #expect(await scene.state("waiting"))
      #expect(scene.fetch.calls == 1)
      scene.fetch.become(.copy)
      try await enter(nil, scene.bob)
      #expect(await eventually { scene.read() == scene.bytes })
      // A moment after the file has its name.
      #expect(await eventually { (try? scene.bob.catalogue.shares(of: scene.document.content).isEmpty) == false })
      let share = try scene.bob.catalogue.shares(of: scene.document.content).first
      #expect(share?.audience.contains(.open) == true)
      #expect(share?.audience.contains(.closed(closed.network)) == false)
    }
  }

  @Test(.timeLimit(.minutes(1))) func `download of another network waits after a restart`() async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      _ = try await scene.bob.downloads.detach(scene.request())
      #expect(await eventually { scene.fetch.running == 1 })
      await scene.bob.downloads.stop()
      let closed = try issuer(scene.swarm.directory)
      try scene.bob.passes.greeted(
        MemberStanding(role: .publisher, time: Timestamp(seconds: 0), pass: nil, key: closed.publicKey),
        by: closed.network)
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      await next.start()
      #expect(await scene.state("waiting"))
      #expect(scene.rows.first?.error?.contains(Self.elsewhere) == true)
      #expect(scene.fetch.calls == 1)
      try scene.bob.passes.greeted(nil, by: nil)
      scene.fetch.become(.copy)
      await next.indexConnected()
      #expect(await eventually { scene.read() == scene.bytes })
    }
  }

  @Test(.timeLimit(.minutes(1))) func `get that waits for a key waits for it in its own network`() async throws {
    try await DownloadScene.with(.copy) { scene in
      let closed = try issuer(scene.swarm.directory)
      var request = scene.request()
      (request.key, request.isPatient) = (try DocumentKey("file/none"), true)
      let reasons = Mutex<[String]>([])
      let waiting = Task { [request] in
        try await scene.bob.downloads.get(
          request, preparing: { step in reasons.withLock { $0.append(step.error ?? "") } })
      }
      #expect(await eventually { reasons.withLock { !$0.isEmpty } })
      try await enter(closed, scene.bob)
      #expect(await eventually { reasons.withLock { $0.last?.contains(Self.elsewhere) == true } })
      try await scene.alice.share(scene.fetch.source, as: "file/none")
      try await enter(nil, scene.bob)
      _ = try await waiting.value
      #expect(scene.read() == scene.bytes)
    }
  }

  // MARK: The index and other peers

  @Test func `link asks, announces and withdraws only for its own network`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let document = try await alice.share(swarm.directory.write("source", pattern(10)), as: "file/x")
      let closed = Home.closed(Swarm.id("index"))
      #expect(await !alice.link.announce([document], in: closed))
      #expect(await !alice.link.withdraw([document.id], in: closed))
      let error = await #expect(throws: WireFailure.self) {
        try await alice.link.ask(.lookup(.init(.key(document.key))), in: closed, LookupReply.init)
      }
      #expect(error?.message.contains(Self.elsewhere) == true)
      let found = try await alice.link.ask(.lookup(.init(.key(document.key))), in: .open, LookupReply.init)
      #expect(found.contents.count == 1, "the record is still there")
    }
  }

  @Test(arguments: [
    #""op":"have""#, #""op":"hashes","layer":0,"index":0,"length":1"#, #""op":"get","offset":0,"length":9"#,
  ])
  func `content of another network is not served`(_ request: String) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let file = try FileHasher(layers: alice.catalogue.layers).hash(swarm.directory.write("source", pattern(100_000)))
      let document = Document(
        key: try DocumentKey("file/x"), title: .empty, content: file.content, modified: Timestamp(seconds: 0))
      let share = Share(
        document: document, path: file.path, origin: .added, fingerprint: file.fingerprint,
        audience: Audience(.closed(Swarm.id("index"))))
      try alice.catalogue.add([share], hashed: [file])
      let connection = try RawConnection(to: alice.uploads.address)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(Swarm.id("bob"))","name":"bob"}"#)
      let line = #"{"id":2,\#(request),"content":"\#(file.content.root)","size":\#(file.content.size)}"#
      #expect(try connection.ask(line)["error"]?.string == "not-found")
      try alice.catalogue.releaseAll(to: .open)
      #expect(try connection.ask(line)["status"]?.integer == 200)
    }
  }

  // MARK: The whole peer

  @Test func `connect announces what was shared elsewhere only if its owner wants`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("diary.txt", pattern(10))
      let closed = Home.closed(Swarm.id("index"))
      do {
        let catalogue = try Catalogue(directory: fixture.directory.file("state-alice"))
        let file = try FileHasher(layers: catalogue.layers).hash(path)
        let document = Document(
          key: try DocumentKey("file/diary.txt"), title: .empty, content: file.content, modified: Timestamp(seconds: 0))
        let share = Share(
          document: document, path: path, origin: .added, fingerprint: file.fingerprint, audience: Audience(closed))
        try catalogue.add([share], hashed: [file])
        catalogue.close()
      }
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let own = try fixture.directory.write("own.txt", pattern(20))
          _ = try await alice.add([own])
          #expect(try await alice.everything() == ["file/own.txt": 1])
          let plain: ControlConnectReply = try await alice.reply(.connect(fixture.indexEndpoint))
          #expect(plain.connected && plain.withheld == 1)
          #expect(try await alice.mine() == ["file/diary.txt": .withheld, "file/own.txt": .shared])
          #expect(try await alice.everything() == ["file/own.txt": 1])
          let wanted: ControlConnectReply = try await alice.reply(
            .connect(fixture.indexEndpoint, sharesExisting: true))
          #expect(wanted.withheld == 0)
          #expect(try await alice.mine() == ["file/diary.txt": .shared, "file/own.txt": .shared])
          let isShared = try await eventually {
            try await alice.everything() == ["file/diary.txt": 1, "file/own.txt": 1]
          }
          #expect(isShared)
        }
      }
    }
  }

  @Test func `file that is added again is released to the network of now`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("diary.txt", pattern(10))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in _ = try await alice.add([path]) }
      }
      let closed = Home.closed(Swarm.id("index"))
      do {
        let catalogue = try Catalogue(directory: fixture.directory.file("state-alice"))
        let share = try #require(try catalogue.shares(at: path).first)
        try catalogue.remove(share.key)
        try catalogue.add([
          Share(
            document: share.document, path: path, origin: .added, fingerprint: share.fingerprint,
            audience: Audience(closed))
        ])
        catalogue.close()
      }
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          #expect(try await alice.everything().isEmpty)
          _ = try await alice.add([path])
          #expect(try await alice.everything() == ["file/diary.txt": 1])
        }
      }
    }
  }

  /// Shares what a peer has shared, while it does not run, for other networks than until now.
  func move(_ fixture: DaemonFixture, _ path: String, to network: Home) throws {
    let catalogue = try Catalogue(directory: fixture.directory.file("state-alice"))
    let share = try #require(try catalogue.shares(at: path).first)
    try catalogue.remove(share.key)
    try catalogue.add([
      Share(
        document: share.document, path: path, origin: share.origin, fingerprint: share.fingerprint,
        audience: Audience(network))
    ])
    catalogue.close()
  }

  func sizes(_ peer: Peer, _ key: String) async throws -> [Int64] {
    guard let reply = try await peer.ask(.lookup(try DocumentKey(key))).reply else { return [] }
    return try LookupReply(reply).contents.map(\.content.size).sorted()
  }

  @Test(arguments: ["file", "prefix"])
  func `copy that was fetched in another network does not take the original there`(_ kind: String) async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("spec.txt", pattern(100))
      let template = try fixture.directory.write("template", pattern(100))
      let closed = Home.closed(Swarm.id("index"))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in _ = try await alice.add([path]) }
        try move(fixture, path, to: closed)
        try await fixture.withPeer("bob") { bob in
          _ = try await bob.add([template], key: "file/spec.txt")
          try await fixture.withPeer { alice in
            let (copies, key) = (fixture.directory.file("copies"), try DocumentKey("file/spec.txt"))
            let copy = kind == "file" ? fixture.directory.file("copy") : copies + "/spec.txt"
            let got = try await alice.ask(
              kind == "file"
                ? .get(GetDocument(key: key, target: .path(copy)))
                : .getAll(GetDocuments(.prefix("file/"), directory: copies)))
            #expect(got.reply != nil, "\(got.outcome)")
            #expect(try await alice.everything() == ["file/spec.txt": 2])
            let mine = try await alice.ask(.list(ListDocuments(mine: true)))
            #expect(Set(mine.mine.map(\.file.path)) == [path, copy])
            #expect(mine.reply?["documents"]?.integer == 1)
            try fixture.directory.write("spec.txt", pattern(200))
            let isNoticed = try await eventually {
              try await alice.ask(.list(ListDocuments(mine: true))).mine.map(\.document.content.size).sorted()
                == [100, 200]
            }
            #expect(isNoticed)
            #expect(try await sizes(alice, "file/spec.txt") == [100])
            #expect(try await alice.everything() == ["file/spec.txt": 2])
          }
        }
      }
    }
  }

  @Test func `document stays known while one of its files has it`() async throws {
    try await DaemonFixture.with { fixture in
      let (one, two) = (try fixture.directory.write("x", pattern(10)), try fixture.directory.write("y", pattern(10)))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          for path in [one, two] { #expect(try await alice.add([path], key: "file/x").added.count == 1) }
          #expect(try await alice.status().documents == 1)
          try fixture.directory.write("x", pattern(20))
          #expect(try await eventually { try await sizes(alice, "file/x") == [10, 20] })
          try fixture.directory.write("y", pattern(30))
          #expect(try await eventually { try await sizes(alice, "file/x") == [20, 30] })
          #expect(try await alice.ask(.remove(.document(try DocumentKey("file/x")))).reply?["removed"]?.integer == 2)
          #expect(try await sizes(alice, "file/x").isEmpty)
        }
      }
    }
  }

  /// Whoever announces a document need not have it.
  @Test func `file that lies at the target is not released to the network of the get`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("spec.txt", pattern(100))
      let others = try fixture.directory.write("others", pattern(200))
      let key = try DocumentKey("file/spec.txt")
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in _ = try await alice.add([path]) }
        try move(fixture, path, to: Home.closed(Swarm.id("index")))
        try await fixture.withPeer("bob") { bob in
          _ = try await bob.add([path])
          _ = try await bob.add([others], key: "data/others")
          try await fixture.withPeer { alice in
            let got = try await alice.ask(.get(GetDocument(key: key, target: .path(path))))
            #expect(got.reply?["path"]?.string == path && got.reply?["shared"]?.bool == false, "\(got.outcome)")
            // One that nothing is shared from was asked for.
            let other = try await alice.ask(
              .get(GetDocument(key: try DocumentKey("data/others"), target: .path(others))))
            #expect(other.reply != nil && other.reply?["shared"] == nil)
            let all = try await alice.ask(.getAll(GetDocuments(.prefix("file/"), directory: fixture.directory.path)))
            #expect(all.reply?["present"]?.integer == 1 && all.reply?["fetched"]?.integer == 0, "\(all.outcome)")
            #expect(try await alice.everything() == ["file/spec.txt": 1, "data/others": 2])
            #expect(try await alice.add([path]).added.count == 1)
            let known = try await alice.ask(.get(GetDocument(key: key, target: .path(path))))
            #expect(known.reply != nil && known.reply?["shared"] == nil)
          }
        }
      }
    }
  }

  @Test func `file of another network is not copied for this one`() async throws {
    try await DaemonFixture.with { fixture in
      let bytes = pattern(3_000_000)
      let (path, bobs) = (try fixture.directory.write("set.bin", bytes), try fixture.directory.write("bobs", bytes))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in _ = try await alice.add([path], key: "data/set.bin") }
        try move(fixture, path, to: Home.closed(Swarm.id("index")))
        try await fixture.withPeer("bob") { bob in
          _ = try await bob.add([bobs], key: "data/set.bin")
          try await fixture.withPeer { alice in
            let target = fixture.directory.file("copies")
            let got = try await alice.ask(.getAll(GetDocuments(.prefix("data/"), directory: target)))
            #expect(got.reply?["received"]?.integer == 3_000_000, "\(got.outcome)")
          }
        }
      }
    }
  }
}
