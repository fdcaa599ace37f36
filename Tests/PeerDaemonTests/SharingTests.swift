// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import NIOCore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// A whole peer with a real index, seen through its control socket.
@Suite struct SharingTests {
  @Test func `files and directories are shared`() async throws {
    try await DaemonFixture.with { fixture in
      let directory = fixture.directory
      try directory.write("paper.pdf", pattern(100_000))
      try directory.write("rfc0793.txt", Array("no title here".utf8))
      for name in ["photos", "photos/cats"] { #expect(mkdir(directory.file(name), 0o700) == 0) }
      try directory.write("photos/cats/1.jpg", pattern(10))
      try directory.write("photos/2.jpg", [])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let files = try await alice.add([directory.file("paper.pdf"), directory.file("rfc0793.txt")])
          #expect(files.added.map(\.key.text) == ["file/paper.pdf", "rfc/793"])
          #expect(files.reply?["added"] == 2)
          #expect(files.reply?["announced"] == true)
          let photos = try await alice.add([directory.file("photos") + "/"], recursive: true)
          #expect(photos.added.map(\.key.text) == ["file/photos/2.jpg", "file/photos/cats/1.jpg"])
          #expect(
            try await alice.everything() == [
              "file/paper.pdf": 1, "rfc/793": 1, "file/photos/2.jpg": 1, "file/photos/cats/1.jpg": 1,
            ])
          let found = try await alice.lookup("file/paper.pdf")
          #expect(found.contents.map(\.content) == [files.added[0].content])
          #expect(found.contents.first?.holders.map(\.peer) == [alice.daemon.id])
          #expect(try await alice.ask(.lookup(DocumentKey(rfc: 1))).failure?.code == .notFound)
        }
      }
    }
  }

  @Test func `one unusable path adds nothing`() async throws {
    try await DaemonFixture.with { fixture in
      let directory = fixture.directory
      let good = try directory.write("good", [1])
      #expect(mkfifo(directory.file("fifo"), 0o600) == 0)
      #expect(symlink("nowhere", directory.file("dangling")) == 0)
      #expect(mkdir(directory.file("d"), 0o700) == 0)
      let bad = ["missing", "fifo", "dangling", "d"].map(directory.file)
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let answer = try await alice.add([good] + bad)
          #expect(answer.failure?.code == .noInput)
          #expect(answer.failure?.paths.map(\.path) == bad)
          #expect(answer.events.isEmpty)
          #expect(try await alice.mine().isEmpty)
        }
      }
    }
  }

  @Test func `own key and state are never shared`() async throws {
    try await DaemonFixture.with { fixture in
      let directory = fixture.directory
      try directory.write("ok", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let key = directory.file("state-alice/key.pem")
          #expect(try await alice.add([key]).failure?.paths.map(\.path) == [key])
          let answer = try await alice.add([directory.path], recursive: true, key: "data/")
          #expect(answer.added.map(\.key.text) == ["data/ok"])
        }
      }
    }
  }

  @Test func `nothing is written among private files`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          _ = try await alice.add([path])
          try await fixture.withPeer("bob") { bob in
            #expect(symlink("state-bob", fixture.directory.file("elsewhere")) == 0)
            for target in ["state-bob/key.pem", "state-bob/layers/new", "elsewhere/key.pem", "state-alice/key.pem"] {
              let target = fixture.directory.file(target)
              let before = TemporaryDirectory.read(target)
              let got = try await bob.ask(
                .get(GetDocument(key: try DocumentKey("file/x"), target: .path(target), force: true)))
              #expect(got.failure?.code == .cannotCreate)
              #expect(TemporaryDirectory.read(target) == before)
            }
          }
        }
      }
    }
  }

  @Test func `document is streamed in order and neither kept nor shared`() async throws {
    try await DaemonFixture.with { fixture in
      let bytes = pattern(3_000_001)
      let path = try fixture.directory.write("x", bytes)
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          _ = try await alice.add([path])
          try await fixture.withPeer("bob") { bob in
            let request = GetDocument(key: try DocumentKey("file/x"), target: .stream, share: false)
            let line = String(
              decoding: try Jansson.encodeLine(ControlRequest.get(request).json(id: 2)).dropLast(), as: UTF8.self)
            let received = try await onThread { [socket = bob.socket] in
              let connection = try RawConnection(path: socket)
              _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
              try connection.send(line)
              var received = [UInt8]()
              var json = try connection.reply()
              // The stream is a download with a number.
              #expect(json["event"]?.string == "job")
              json = try connection.reply()
              while let count = json["length"]?.integer {
                received += try connection.bytes(Int(count))
                json = try connection.reply()
              }
              return received
            }
            let isEqual = received == bytes
            #expect(isEqual, "\(received.count) bytes")
            #expect(try await bob.mine().isEmpty)
          }
        }
      }
    }
  }

  @Test func `time, executable bit and holes of a file are kept`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(5_000))
      #expect(truncate(path, 3_000_000) == 0 && chmod(path, 0o755) == 0)
      var times = [timeval(tv_sec: 1_000_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000_000, tv_usec: 0)]
      #expect(utimes(path, &times) == 0)
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          _ = try await alice.add([path])
          try await fixture.withPeer("bob") { bob in
            for preserves in [true, false] {
              let target = fixture.directory.file("got\(preserves)")
              var request = GetDocument(key: try DocumentKey("file/x"), target: .path(target))
              (request.preserve, request.umask) = (preserves, 0o027)
              #expect(try await bob.ask(.get(request)).reply != nil)
              var status = stat()
              #expect(stat(target, &status) == 0)
              #expect(status.st_mode & 0o7777 == (preserves ? 0o750 : 0o640))
              #expect((status.st_mtim.tv_sec == 1_000_000_000) == preserves)
              #expect(status.st_size == 3_000_000 && status.st_blocks * 512 < 1_000_000, "\(status.st_blocks) blocks")
              #expect(TemporaryDirectory.read(target) == TemporaryDirectory.read(path))
            }
          }
        }
      }
    }
  }

  @Test func `directory that ends in a slash is made`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          _ = try await alice.add([path])
          let target = fixture.directory.file("new/deep/")
          let got = try await alice.ask(.get(GetDocument(key: try DocumentKey("file/x"), target: .path(target))))
          #expect(got.reply?["path"]?.string == target + "x")
          #expect(TemporaryDirectory.read(target + "x") == [1])
          let nobody = fixture.directory.file("unmade/")
          #expect(
            try await alice.ask(.get(GetDocument(key: try DocumentKey("file/none"), target: .path(nobody)))).failure?
              .code == .notFound)
          #expect(access(nobody, F_OK) != 0)
        }
      }
    }
  }

  @Test func `tree is added as selected and removed by its prefix`() async throws {
    try await DaemonFixture.with { fixture in
      let directory = fixture.directory
      for name in ["d", "d/.git", "d/e"] { #expect(mkdir(directory.file(name), 0o700) == 0) }
      for name in ["d/a", "d/b.o", "d/.git/config", "d/e/c"] { try directory.write(name, Array(name.utf8)) }
      let other = try directory.write("d0", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let answer = try await alice.ask(
            .add(AddFiles(paths: [directory.file("d")], recursive: true, exclude: ["*.o"])))
          #expect(answer.added.map(\.key.text) == ["file/d/a", "file/d/e/c"])
          let reply = try ControlAddReply(try #require(answer.reply))
          #expect(reply.leftOut.groups.map(\.reason) == ["hidden", "excluded"])
          _ = try await alice.add([other])
          #expect(try await alice.reply(.remove(.prefix("file/d/")), as: ControlRemoveReply.self).removed == 2)
          #expect(try await alice.everything() == ["file/d0": 1])
          #expect(try await alice.mine() == ["file/d0": .shared])
          #expect(try await alice.ask(.remove(.prefix("file/d/"))).failure?.code == .notFound)
        }
      }
    }
  }

  @Test func `progress is reported on request`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("large", pattern(4_000_000))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let answer = try await alice.ask(.add(AddFiles(paths: [path], progress: true)))
          let steps = answer.events.compactMap { if case .hashing(let step) = $0 { step } else { nil } }
          #expect(!steps.isEmpty)
          #expect(steps.allSatisfy { $0.total == 4_000_000 && $0.file == 1 && $0.files == 1 && $0.path == path })
          #expect(answer.added.count == 1)
        }
      }
    }
  }

  @Test func `adding again replaces the title without hashing`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(100_000))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let first = try await alice.add([path])
          let second = try await alice.ask(
            .add(AddFiles(paths: [path], title: try Title("A title"), progress: true)))
          #expect(second.added.map(\.content) == first.added.map(\.content))
          #expect(second.events.count == 1, "no progress: the hash was known")
          let rows = try await alice.ask(.list(ListDocuments(words: "titl"))).listed
          #expect(rows.map(\.document.title.text) == ["A title"])
          #expect(rows.map(\.total) == [1])
        }
      }
    }
  }

  /// The front end disconnects after the first files are durable, perhaps before they are announced.
  @Test func `what an interrupted add has shared is announced`() async throws {
    try await DaemonFixture.with { fixture in
      #expect(mkdir(fixture.directory.file("many"), 0o700) == 0)
      for number in 0..<1_200 { try fixture.directory.write("many/\(number)", [UInt8(number % 251), 1]) }
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let request = AddFiles(paths: [fixture.directory.file("many")], recursive: true)
          let line = String(
            decoding: try Jansson.encodeLine(ControlRequest.add(request).json(id: 2)).dropLast(), as: UTF8.self)
          let first = try await onThread { [socket = alice.socket] in
            let connection = try RawConnection(path: socket)
            _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
            try connection.send(line)
            return try connection.reply()
          }
          #expect(first["event"] == "added")
          let isComplete = try await eventually {
            let mine = try await alice.mine().keys.sorted()
            let listed = try await alice.everything().keys.sorted()
            return !mine.isEmpty && mine == listed
          }
          #expect(isComplete)
        }
      }
    }
  }

  @Test func `new content replaces the old one`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([path])
          try fixture.directory.write("x", [2, 2])
          let second = try await alice.add([path])
          let found = try await alice.lookup("file/x")
          #expect(found.contents.map(\.content) == second.added.map(\.content))
        }
      }
    }
  }

  @Test func `removed documents leave the index`() async throws {
    try await DaemonFixture.with { fixture in
      let first = try fixture.directory.write("a", [1])
      let second = try fixture.directory.write("b", [2])
      let key = try DocumentKey("file/x")
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let kept = try await alice.add([first], key: "file/x").added[0].content
          let gone = try await alice.add([second], key: "file/x").added[0].content
          let one = try await alice.ask(.remove(.document(key, content: String(gone.root.hex.prefix(12)))))
          #expect(one.reply?["removed"] == 1)
          let left = try await alice.lookup("file/x")
          #expect(left.contents.map(\.content) == [kept])
          #expect(try await alice.ask(.remove(.document(key))).reply?["removed"] == 1)
          #expect(try await alice.ask(.remove(.document(key))).failure?.code == .notFound)
          #expect(try await alice.everything().isEmpty)
          #expect(access(first, F_OK) == 0, "files stay")
        }
      }
    }
  }

  @Test func `own documents and those of the index are listed by level`() async throws {
    try await DaemonFixture.with { fixture in
      for directory in ["d", "d/e"] { #expect(mkdir(fixture.directory.file(directory), 0o700) == 0) }
      for name in ["d/a", "d/e/1", "d/e/2", "d/z"] { try fixture.directory.write(name, Array(name.utf8)) }
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([fixture.directory.file("d")], recursive: true)
          for mine in [true, false] {
            let answer = try await alice.ask(.list(ListDocuments(prefix: "file/d/", level: true, mine: mine)))
            #expect(answer.listed.map(\.document.key.text) == ["file/d/a", "file/d/z"])
            #expect(answer.levels == [LevelListing(prefix: "file/d/e/", documents: 2)])
            #expect(answer.reply?["documents"] == 4)
            let two = try await alice.ask(.list(ListDocuments(prefix: "file/d/", level: true, limit: 2, mine: mine)))
            #expect(two.events.count == 2 && two.reply?["documents"] == 3)
            let top = try await alice.ask(.list(ListDocuments(prefix: "", level: true, words: "e", mine: mine)))
            #expect(top.levels == [LevelListing(prefix: "file/", documents: 2)] && top.listed.isEmpty)
          }
        }
      }
    }
  }

  @Test func `own documents are listed without an index`() async throws {
    try await DaemonFixture.with { fixture in
      #expect(mkdir(fixture.directory.file("d"), 0o700) == 0)
      for number in 0..<7 { try fixture.directory.write("d/Cat \(number).jpg", [UInt8(number)]) }
      try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
        let added = try await alice.add([fixture.directory.file("d")], recursive: true)
        #expect(added.reply?["announced"] == false)
        func count(_ query: ListDocuments) async throws -> Int {
          var query = query
          query.mine = true
          return try await alice.ask(.list(query)).listed.count
        }
        #expect(try await count(ListDocuments()) == 7)
        #expect(try await count(ListDocuments(limit: 3)) == 3)
        #expect(try await count(ListDocuments(words: "cat 3")) == 1)
        #expect(try await count(ListDocuments(collection: "rfc")) == 0)
        #expect(try await count(ListDocuments(words: "file/d/cat")) == 7)
        #expect(try await count(ListDocuments(words: "🙂")) == 0)
        #expect(try await count(ListDocuments(prefix: "file/d/Cat 3")) == 1)
        #expect(try await count(ListDocuments(prefix: "file/d/Cat 9")) == 0)
        let all = try await alice.ask(.list(ListDocuments()))
        #expect(all.failure?.code == .unavailable)
      }
    }
  }
}
