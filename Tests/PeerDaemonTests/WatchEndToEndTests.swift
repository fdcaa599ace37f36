// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Watches of front ends and of downloads, through the daemon to the real index and back.
@Suite struct WatchEndToEndTests {
  @Test(.timeLimit(.minutes(2))) func `documents of others appear, change and go`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex { _ in
        try await fixture.withPeer("bob") { bob in
          let watcher = try await FrontEnd.watch(bob, #""prefix":"file/pa""#)
          let all = try await FrontEnd.watch(bob)
          for frontEnd in [watcher, all] { #expect(try await frontEnd.next() == "current") }
          try await fixture.withPeer("alice") { alice in
            _ = try await alice.add([try fixture.directory.write("other.pdf", [0])])
            let path = try fixture.directory.write("paper.pdf", [1, 2, 3])
            _ = try await alice.add([path])
            #expect(try await watcher.next() == "appeared file/paper.pdf ")
            _ = try await alice.ask(.add(AddFiles(paths: [path], title: try Title("A new title"))))
            #expect(try await watcher.next() == "updated file/paper.pdf A new title")
            let _: ControlRemoveReply = try await alice.reply(.remove(.document(try DocumentKey("file/paper.pdf"))))
            #expect(try await watcher.next() == "gone file/paper.pdf A new title")
            #expect(try await all.next() == "appeared file/other.pdf ")
            #expect(try await all.next() == "appeared file/paper.pdf ")
          }
          // With alice go all of her documents.
          #expect(try await all.next() == "updated file/paper.pdf A new title")
          #expect(try await all.next() == "gone file/paper.pdf A new title")
          #expect(try await all.next() == "gone file/other.pdf ")
        }
      }
    }
  }

  /// What is there already when the watch begins once more is no change.
  @Test(.timeLimit(.minutes(2))) func `watch goes on after the index was away, and reports changes only`() async throws
  {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer("bob") { bob in
        let frontEnd = try await fixture.withIndex { _ in
          let frontEnd = try await FrontEnd.watch(bob)
          #expect(try await frontEnd.next() == "current")
          let holder = try await Holder.at(fixture.indexEndpoint)
          try await holder.add("file/before")
          #expect(try await frontEnd.next() == "appeared file/before t")
          return frontEnd
        }
        #expect(try await frontEnd.next() == "disconnected")
        var holder: Holder?
        // The index has documents before bob's daemon can find it.
        try await fixture.withIndex(filledBy: { endpoint in
          holder = try await Holder.at(endpoint)
          for key in ["file/before", "file/meanwhile"] { try await holder?.add(key) }
        }) { _ in
          #expect(try await frontEnd.next() == "current")
          try await holder?.add("file/later")
          #expect(try await frontEnd.next() == "appeared file/later t")
          holder = nil
          var gone = Set<String>()
          for _ in 0..<3 { gone.insert(try await frontEnd.next()) }
          #expect(gone == ["gone file/before t", "gone file/meanwhile t", "gone file/later t"])
        }
      }
    }
  }

  /// No timer of the download ends: only what the index reports can begin it.
  @Test(.timeLimit(.minutes(2))) func `waiting download begins when another peer shares the content`() async throws {
    try await Swarm.with { swarm in
      let bytes = pattern(300_000)
      let path = try swarm.directory.write("source", bytes)
      // Nothing listens at port 1.
      let alice = try await swarm.peer("alice", port: 1)
      try await alice.share(path, as: "file/x")
      let bob = try await swarm.peer("bob", sleep: { _ in try await Task.sleep(for: .seconds(3600)) })
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .noSource)
      #expect(bob.transfers.snapshot().map(\.state) == ["waiting"])
      let carol = try await swarm.peer("carol")
      try await carol.share(path, as: "file/y")
      #expect(await eventually { TemporaryDirectory.read(target) == bytes })
    }
  }

  // MARK: Clients

  /// A front end that watches.
  private final class FrontEnd: @unchecked Sendable {
    private let connection: RawConnection

    private init(_ socket: String) throws {
      connection = try RawConnection(path: socket)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
    }

    static func watch(_ peer: Peer, _ filter: String? = nil) async throws -> FrontEnd {
      try await onThread {
        let frontEnd = try FrontEnd(peer.socket)
        try frontEnd.connection.send(#"{"id":2,"op":"watch"\#(filter.map { "," + $0 } ?? "")}"#)
        return frontEnd
      }
    }

    /// What the next event says, in short.
    func next() async throws -> String {
      try await onThread { [self] in
        switch try ControlEvent(connection.reply()) {
        case .changed(let change, let document, _): "\(change) \(document.key) \(document.title.text)"
        case .current: "current"
        case .overflow: "overflow"
        case .disconnected: "disconnected"
        default: "something else"
        }
      }
    }
  }

  /// A session at the index that holds documents.
  private final class Holder: @unchecked Sendable {
    private let connection: RawConnection

    private init(_ endpoint: Endpoint) throws {
      connection = try RawConnection(to: endpoint)
      _ = try connection.ask(
        #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "c", count: 64))","name":"carol","port":1}"#)
    }

    static func at(_ endpoint: Endpoint) async throws -> Holder {
      try await onThread { try Holder(endpoint) }
    }

    func add(_ key: String) async throws {
      let content = String(repeating: "b", count: 64)
      let document =
        #"{"key":"\#(key)","title":"t","content":"\#(content)","size":1,"modified":"1981-09-01T00:00:00Z"}"#
      try await onThread { [self] in
        guard try connection.ask(#"{"id":2,"op":"add","documents":[\#(document)]}"#)["added"] == 1 else {
          throw RawConnection.Failure(description: "not added")
        }
      }
    }
  }
}
