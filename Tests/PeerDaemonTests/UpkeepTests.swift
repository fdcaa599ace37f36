// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import Glibc
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Files that change, vanish and return while a peer runs and between its starts.
@Suite struct UpkeepTests {
  private let key: DocumentKey

  init() throws {
    key = try DocumentKey("file/x")
  }

  /// The sizes of the contents that the index lists under the key.
  private func offered(_ peer: Peer) async throws -> [Int64] {
    guard let reply = try await peer.ask(.lookup(key)).reply else { return [] }
    return try LookupReply(reply).contents.map(\.content.size).sorted()
  }

  /// Requests a shared content as another peer would: this detects the change of its file.
  private func knock(_ peer: Peer, for content: Content) async throws {
    let uploads = peer.daemon.uploads
    try await onThread {
      let connection = try RawConnection(to: uploads)
      let id = String(repeating: "0", count: 64)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(id)","name":"bob"}"#)
      let reply = try connection.ask(
        #"{"id":2,"op":"have","content":"\#(content.root)","size":\#(content.size)}"#)
      #expect(reply["status"] != 200)
    }
  }

  @Test func `changed file is shared with its new content`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let old = try await alice.add([path]).added[0].content
          try fixture.directory.write("x", [2, 2])
          try await knock(alice, for: old)
          #expect(try await eventually { try await offered(alice) == [2] })
          #expect(try await alice.mine() == ["file/x": .shared])
        }
      }
    }
  }

  /// The first request after the change finds the content.
  @Test(arguments: ["mode", "time", "link", "rewritten", "replaced"])
  func `file with the same content is served at once`(_ change: String) async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(100_000))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let content = try await alice.add([path]).added[0].content
          try await fixture.withPeer("bob") { bob in
            switch change {
            case "mode": #expect(chmod(path, 0o640) == 0)
            case "time": #expect(utimes(path, nil) == 0)
            case "link": #expect(link(path, fixture.directory.file("other")) == 0)
            case "rewritten": try fixture.directory.write("x", pattern(100_000))
            default:
              let copy = try fixture.directory.write("copy", pattern(100_000))
              #expect(rename(copy, path) == 0)
            }
            let got = try await bob.ask(.get(GetDocument(key: key, target: .path(fixture.directory.file("got")))))
            #expect(got.reply?["received"]?.integer == 100_000)
            #expect(try await offered(alice) == [content.size])
            #expect(try await alice.mine() == ["file/x": .shared])
          }
        }
      }
    }
  }

  /// Nobody asks for it.
  @Test func `edited file is noticed and published`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([path])
          try fixture.directory.write("x", [2, 2])
          #expect(try await eventually { try await offered(alice) == [2] })
          #expect(unlink(path) == 0)
          #expect(try await eventually { try await alice.everything().isEmpty })
        }
      }
    }
  }

  /// The index still names the old content, or has just learned the new one.
  @Test func `download takes the new content of a file that was edited`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(50_000))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([path])
          try await fixture.withPeer("bob") { bob in
            for seed in UInt64(2)..<5 {
              try fixture.directory.write("x", pattern(50_000, seed: seed))
              let target = fixture.directory.file("got\(seed)")
              #expect(
                try await eventually {
                  try await bob.ask(.get(GetDocument(key: key, target: .path(target), share: false))).reply != nil
                })
              #expect(TemporaryDirectory.read(target) == pattern(50_000, seed: seed))
            }
          }
        }
      }
    }
  }

  @Test func `edited download is not published`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(1000))
      let copy = fixture.directory.file("copy")
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          let content = try await alice.add([path]).added[0].content
          try await fixture.withPeer("bob") { bob in
            let got = try await bob.ask(.get(GetDocument(key: key, target: .path(copy))))
            #expect(got.reply?["path"]?.string == copy)
            #expect(try await bob.everything() == ["file/x": 2])
            try fixture.directory.write("copy", pattern(1000, seed: 2))
            try await knock(bob, for: content)
            #expect(try await eventually { try await bob.mine() == ["file/x": .withdrawn] })
            #expect(try await eventually { try await bob.everything() == ["file/x": 1] })
          }
        }
      }
    }
  }

  /// Many hashes are kept in a separate file, few in the catalogue.
  @Test(arguments: [("side file", 17_000_000), ("missing side file", 17_000_000), ("row", 100_000)])
  func `damaged hashes are rebuilt`(_ damage: String, _ size: Int) async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(size))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let content = try await alice.add([path]).added[0].content
          try damageHashes(damage, of: content, in: fixture.directory.file("state-alice"))
          let refusal = try await hashes(alice, of: content)
          #expect(refusal["error"] == "unavailable")
          #expect(refusal["retry_after"] == 1)
          #expect(
            try await eventually { try await hashes(alice, of: content)["status"] == 200 })
          #expect(try await eventually { try await offered(alice) == [Int64(size)] })
          #expect(try await alice.mine() == ["file/x": .shared])
        }
      }
    }
  }

  /// Asks for the hashes of all blocks up to 512 and checks them.
  private func hashes(_ peer: Peer, of content: Content) async throws -> JSONValue {
    let uploads = peer.daemon.uploads
    let range = try #require(HashRange.leaves(around: 0, of: content))
    return try await onThread {
      let connection = try RawConnection(to: uploads)
      let id = String(repeating: "0", count: 64)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(id)","name":"bob"}"#)
      let reply = try connection.ask(
        #"{"id":2,"op":"hashes","content":"\#(content.root)","size":\#(content.size),"#
          + #""layer":\#(range.layer),"index":\#(range.index),"length":\#(range.length)}"#)
      if reply["status"] == 200 { #expect(range.verify(try connection.bytes(range.byteCount), against: content)) }
      return reply
    }
  }

  private func damageHashes(_ damage: String, of content: Content, in state: String) throws {
    let layer = "\(state)/layers/\(content.root.hex)-\(content.size)"
    switch damage {
    case "side file":
      let file = try FileHandle(forUpdating: URL(filePath: layer))
      try file.write(contentsOf: [1, 2, 3, 4])
      try file.close()
    case "missing side file": #expect(unlink(layer) == 0)
    default:
      let database = try DatabaseQueue(path: "\(state)/catalogue.sqlite")
      try database.write { try $0.execute(sql: "UPDATE layer SET leaves = zeroblob(length(leaves))") }
      try database.close()
    }
  }

  @Test func `vanished file is shared again when it returns`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      let aside = fixture.directory.file("aside")
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let content = try await alice.add([path]).added[0].content
          // Renaming it twice changes ctime but not the bytes.
          #expect(rename(path, aside) == 0)
          try await knock(alice, for: content)
          #expect(try await eventually { try await alice.mine() == ["file/x": .withdrawn] })
          #expect(try await offered(alice) == [])
        }
        try await fixture.withPeer { alice in
          let mine = try await alice.mine()
          #expect(mine == ["file/x": .withdrawn])
        }
        #expect(rename(aside, path) == 0)
        try await fixture.withPeer { alice in
          let isBack = try await eventually { try await offered(alice) == [1] }
          #expect(isBack)
          #expect(try await alice.mine() == ["file/x": .shared])
        }
      }
    }
  }

  @Test func `restored file is shared again without add`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let content = try await alice.add([path]).added[0].content
          unlink(path)
          try await knock(alice, for: content)
          #expect(try await eventually { try await alice.mine() == ["file/x": .withdrawn] })
          try fixture.directory.write("x", [1])
          #expect(try await eventually { try await offered(alice) == [1] })
          #expect(try await alice.mine() == ["file/x": .shared])
        }
      }
    }
  }

  @Test func `add restores a withdrawn share`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer(returnInterval: .seconds(3600)) { alice in
          let content = try await alice.add([path]).added[0].content
          unlink(path)
          try await knock(alice, for: content)
          #expect(try await eventually { try await alice.mine() == ["file/x": .withdrawn] })
          try fixture.directory.write("x", [1])
          #expect(try await alice.add([path]).added.count == 1)
          #expect(try await offered(alice) == [1])
          #expect(try await alice.mine() == ["file/x": .shared])
        }
      }
    }
  }

  /// The copy may be edited or deleted; the document stays bound to the added file.
  @Test func `copy of a shared document does not replace it`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(1000))
      let copy = fixture.directory.file("copy")
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([path])
          for _ in 0..<2 {
            let got = try await alice.ask(.get(GetDocument(key: key, target: .path(copy))))
            #expect(got.reply?["path"]?.string == copy)
          }
          let mine = try await alice.ask(.list(ListDocuments(mine: true))).mine
          #expect(mine.map(\.file.path) == [path])
          unlink(copy)
          #expect(try await offered(alice) == [1000])
        }
      }
    }
  }

  @Test func `all files are checked after a start`() async throws {
    try await DaemonFixture.with { fixture in
      let paths = try ["x", "y", "z"].map { try fixture.directory.write($0, [1]) }
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in _ = try await alice.add(paths) }
        try fixture.directory.write("x", [2, 2])
        unlink(paths[1])
        try await fixture.withPeer { (alice) async throws in
          #expect(
            try await eventually {
              try await alice.mine() == ["file/x": .shared, "file/y": .withdrawn, "file/z": .shared]
            })
          #expect(try await eventually { try await offered(alice) == [2] })
          #expect(try await eventually { try await alice.everything() == ["file/x": 1, "file/z": 1] })
        }
      }
    }
  }

  @Test func `document removed during a check stays removed`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let old = try await alice.add([path]).added[0].content
          try fixture.directory.write("x", [2, 2])
          try await knock(alice, for: old)
          _ = try await alice.ask(.remove(.document(key)))
          // Changes are handled in order: once this one is done, the first is, too.
          let other = try fixture.directory.write("y", [1])
          let content = try await alice.add([other]).added[0].content
          try fixture.directory.write("y", [3, 3, 3])
          try await knock(alice, for: content)
          #expect(
            try await eventually {
              try await alice.ask(.list(ListDocuments())).listed.map(\.document.content.size) == [3]
            })
          #expect(try await alice.mine() == ["file/y": .shared])
        }
      }
    }
  }

  /// What somebody with write access to the directory can put in the place of a shared file.
  @Test(arguments: ["link", "hard link", "parent", "fifo", "directory", "loop", "private file", "key"])
  func `replacement of a shared file is never followed`(_ kind: String) async throws {
    try await DaemonFixture.with { fixture in
      let directory = fixture.directory
      #expect(mkdir(directory.file("d"), 0o755) == 0 && mkdir(directory.file("secrets"), 0o700) == 0)
      let path = try directory.write("d/x", [1])
      let secret = try directory.write("secrets/x", [7, 7, 7])
      #expect(chmod(secret, 0o600) == 0)
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let content = try await alice.add([path], key: "file/x").added[0].content
          #expect(unlink(path) == 0)
          switch kind {
          case "link": #expect(symlink(secret, path) == 0)
          case "hard link": #expect(link(secret, path) == 0)
          case "fifo": #expect(mkfifo(path, 0o644) == 0)
          case "directory": #expect(mkdir(path, 0o755) == 0)
          case "loop": #expect(symlink("x", path) == 0)
          case "private file": #expect(rename(secret, path) == 0)
          case "key": try directory.write("d/x", Array("-----BEGIN PRIVATE KEY-----\nMIGH\n".utf8))
          default:
            #expect(rmdir(directory.file("d")) == 0)
            #expect(symlink("secrets", directory.file("d")) == 0)
          }
          try await knock(alice, for: content)
          #expect(try await eventually { try await alice.mine() == ["file/x": .withdrawn] })
          #expect(try await eventually { try await alice.everything().isEmpty })
        }
      }
    }
  }
}
