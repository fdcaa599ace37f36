// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct PrefixPlanTests {
  private func listing(_ key: String, content: UInt8 = 1, modified: Int64 = 0) throws -> DocumentListing {
    let root = try #require(Digest(bytes: [UInt8](repeating: content, count: 32)))
    let content = try #require(Content(root: root, size: 5))
    let document = Document(
      key: try DocumentKey(key), title: Title(normalizing: key), content: content,
      modified: Timestamp(seconds: modified))
    return DocumentListing(document: document, total: 0, holders: [])
  }

  /// `path` for a file, `!key` for what is skipped, in order.
  private func run(_ plan: inout PrefixPlan, _ keys: [String], pageLength: Int = 3) throws -> [String] {
    var steps = [PrefixPlan.Step]()
    for start in stride(from: 0, to: keys.count, by: pageLength) {
      steps += plan.add(try keys[start..<min(start + pageLength, keys.count)].map { try listing($0) })
    }
    return names(steps + plan.end())
  }

  private func names(_ steps: [PrefixPlan.Step]) -> [String] {
    steps.map { step in
      switch step {
      case .file(let file): file.path.joined(separator: "/")
      case .skip(let key, _): "!\(key)"
      }
    }
  }

  @Test func `documents become files below the directory`() throws {
    var plan = PrefixPlan(prefix: "data/cats/")
    #expect(
      try run(&plan, ["data/cats/1.jpg", "data/cats/a/2.jpg", "data/cats/a/b/3.jpg"]) == [
        "1.jpg", "a/2.jpg", "a/b/3.jpg",
      ])
  }

  @Test func `files of RFCs have their names`() throws {
    var plan = PrefixPlan(prefix: "rfc/")
    #expect(try run(&plan, ["rfc/1", "rfc/793"]) == ["rfc1.txt", "rfc793.txt"])
  }

  /// In the order of bytes other keys come between a key and those below it.
  @Test func `key that is also a directory is skipped, whatever comes in between`() throws {
    let keys = ["d/p/a", "d/p/a!", "d/p/a+b", "d/p/a-/x", "d/p/a.txt", "d/p/a/b", "d/p/a/b/c", "d/p/a0"]
    #expect(keys == keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    for pageLength in 1...9 {
      var plan = PrefixPlan(prefix: "d/p/")
      let names = try run(&plan, keys, pageLength: pageLength)
      #expect(Set(names) == ["!d/p/a", "a!", "a+b", "a-/x", "a.txt", "!d/p/a/b", "a/b/c", "a0"])
    }
  }

  @Test func `key with several contents is skipped, or its newest is taken`() throws {
    let rows = [
      try listing("d/p/a", content: 1, modified: 5), try listing("d/p/a", content: 2, modified: 9),
      try listing("d/p/b", content: 3), try listing("d/p/c", content: 1, modified: 5),
      try listing("d/p/c", content: 2, modified: 5),
    ]
    var plan = PrefixPlan(prefix: "d/p/")
    #expect(names(plan.add(rows) + plan.end()) == ["!d/p/a", "b", "!d/p/c"].sorted { a, b in order(a) < order(b) })
    plan = PrefixPlan(prefix: "d/p/", takesNewest: true)
    let steps = plan.add(rows) + plan.end()
    #expect(Set(names(steps)) == ["a", "b", "!d/p/c"])
    let chosen = steps.compactMap { step in if case .file(let file) = step { file } else { nil } }
    #expect(chosen.first { $0.path == ["a"] }?.document == rows[1].document)
  }

  /// An older version that this peer has fetched and shares.
  @Test func `content that only this peer has counts if there is nothing else`() throws {
    let bob = Swarm.id("bob")
    let mine = try ["d/p/a", "d/p/b"].map { key in
      DocumentListing(
        document: try listing(key, content: 9).document, total: 1,
        holders: [Holder(peer: bob, name: try PeerName("bob"), host: "127.0.0.1", port: 1, complete: true)])
    }
    let theirs = try listing("d/p/a", content: 2)
    var plan = PrefixPlan(prefix: "d/p/", own: bob)
    let files = (plan.add([mine[0], theirs, mine[1]]) + plan.end()).compactMap { step in
      if case .file(let file) = step { file.document } else { nil }
    }
    #expect(files == [theirs.document, mine[1].document])
  }

  private func order(_ name: String) -> String { String(name.drop { $0 == "!" }.suffix(1)) }

  @Test func `names that cannot be files are skipped`() throws {
    let long = "d/p/" + String(repeating: "x", count: 256)
    var plan = PrefixPlan(prefix: "d/p/")
    #expect(
      Set(try run(&plan, ["d/p/.git/config", "d/p/.x", "d/p/a/.y/z", long])) == [
        "!d/p/.git/config", "!d/p/.x", "!d/p/a/.y/z", "!\(long)",
      ])
    plan = PrefixPlan(prefix: "d/p/", includesHidden: true)
    #expect(try run(&plan, ["d/p/.git/config", "d/p/.x"]) == [".git/config", ".x"])
  }

  @Test func `rows outside of the prefix are ignored`() throws {
    var plan = PrefixPlan(prefix: "d/p/")
    #expect(try run(&plan, ["d/o", "d/p", "d/p/a", "d/pq"]) == ["a"])
  }

  @Test func `index without order fills nothing`() throws {
    var plan = PrefixPlan(prefix: "d/p/")
    let keys = (0..<1_000).map { "d/p/\(9_999 - $0)" }
    var steps = [PrefixPlan.Step]()
    for key in keys { steps += plan.add([try listing(key)]) }
    #expect(steps.count > 400)
    #expect((steps + plan.end()).count == keys.count)
  }
}
