// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// A share is a file under a key.
extension HomeTests {
  /// It would be announced as the new content of what was shared there, under another key and in another network.
  @Test(arguments: ["file", "private file", "prefix"])
  func `what a get puts in the place of a shared file is no edit of that`(_ kind: String) async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("secret", pattern(100))
      let bobs = try fixture.directory.write("bobs", pattern(200))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in _ = try await alice.add([path], key: "n/old") }
        try move(fixture, path, to: Home.closed(Swarm.id("index")))
        try await fixture.withPeer("bob") { bob in
          _ = try await bob.add([bobs], key: "data/secret")
          try await fixture.withPeer { alice in
            var one = GetDocument(key: try DocumentKey("data/secret"), target: .path(path))
            (one.force, one.share) = (true, kind != "private file")
            var all = GetDocuments(.prefix("data/"), directory: fixture.directory.path)
            all.force = true
            let got = try await alice.ask(kind == "prefix" ? .getAll(all) : .get(one))
            #expect(got.reply != nil, "\(got.outcome)")
            #expect(TemporaryDirectory.read(path) == pattern(200))
            let keys = try await alice.ask(.list(ListDocuments(mine: true))).mine.map(\.document.key.text)
            #expect(keys == (kind == "private file" ? [] : ["data/secret"]))
          }
        }
      }
    }
  }

  @Test func `share of a file that was moved ends when it is added from its new place`() async throws {
    try await DaemonFixture.with { fixture in
      let (old, new) = (try fixture.directory.write("old", pattern(10)), fixture.directory.file("new"))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([old], key: "file/x")
          #expect(rename(old, new) == 0)
          _ = try await alice.add([new], key: "file/x")
          #expect(try await alice.ask(.list(ListDocuments(mine: true))).mine.map(\.file.path) == [new])
          #expect(try await sizes(alice, "file/x") == [10])
        }
      }
    }
  }

  @Test func `last title counts where both files are known`() async throws {
    try await DaemonFixture.with { fixture in
      let paths = try ["a", "z"].map { try fixture.directory.write($0, pattern(10)) }
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          for path in paths {
            let title = try Title(path)
            _ = try await alice.ask(.add(AddFiles(paths: [path], key: "file/x", title: title)))
          }
          let isLast = try await eventually { try await alice.lookup("file/x").contents.first?.title.text == paths[1] }
          #expect(isLast)
        }
      }
    }
  }
}
