// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import TestSupport
import Testing

/// A share is a file under a key: several files may have one document, each for networks of its own.
@Suite struct FileShareTests {
  private let workspace: Workspace
  private let (first, second): (Home, Home)

  init() throws {
    workspace = try Workspace()
    (first, second) = (try closedNetwork(1), try closedNetwork(2))
  }

  private func share(
    _ file: HashedFile, as name: String = "file/a", title: String = "", state: Share.State = .shared, in home: Home
  ) -> Share {
    Share(
      document: Document(
        key: key(name), title: Title(normalizing: title), content: file.content, modified: Timestamp(seconds: 1)),
      path: file.path, origin: .added, state: state, fingerprint: file.fingerprint, audience: Audience(home))
  }

  private func hash(_ catalogue: Catalogue, _ count: Int, as name: String) throws -> HashedFile {
    try FileHasher(layers: catalogue.layers).hash(workspace.file(name, pattern(count)))
  }

  /// The sizes of what a network hears of.
  private func heard(_ catalogue: Catalogue, _ network: Home) throws -> [Int64] {
    try catalogue.page(limit: 100).filter { $0.isShared(in: network) }.map(\.content.size).sorted()
  }

  // MARK: Networks

  @Test func `file that is edited changes only in its own networks`() throws {
    let catalogue = try workspace.catalogue()
    let (work, home) = (try hash(catalogue, 100, as: "work"), try hash(catalogue, 100, as: "home"))
    try catalogue.add([share(work, in: first)], hashed: [work])
    try catalogue.add([share(home, in: second)], hashed: [home])
    #expect(try heard(catalogue, first) == [100] && heard(catalogue, second) == [100])
    let edited = try hash(catalogue, 200, as: "home")
    #expect(try catalogue.add([share(edited, in: second)], hashed: [edited]) == [share(home, in: second)])
    #expect(try heard(catalogue, first) == [100] && heard(catalogue, second) == [200])
  }

  @Test func `content that moves into another file keeps the networks of each file`() throws {
    let catalogue = try workspace.catalogue()
    let (old, other) = (try hash(catalogue, 100, as: "p"), try hash(catalogue, 200, as: "q"))
    try catalogue.add([share(old, in: first), share(other, in: second)], hashed: [old, other])
    let moved = try hash(catalogue, 200, as: "p")
    #expect(try catalogue.add([share(moved, in: .open)], hashed: [moved]) == [share(old, in: first)])
    #expect(try [first, second, .open].map { try heard(catalogue, $0) } == [[200], [200], [200]])
    #expect(try catalogue.shares(at: moved.path).first?.audience.contains(second) == false)
  }

  @Test func `same content is no news to those who had it`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, 200, as: "a")
    try catalogue.add([share(file, in: second)], hashed: [file])
    try catalogue.add([share(file, in: .open)])
    #expect(try heard(catalogue, second) == [200] && heard(catalogue, .open) == [200])
  }

  @Test func `title of one file is not that of another`() throws {
    let catalogue = try workspace.catalogue()
    let (work, home) = (try hash(catalogue, 100, as: "work"), try hash(catalogue, 100, as: "home"))
    try catalogue.add([share(work, title: "for all", in: first)], hashed: [work])
    try catalogue.add([share(home, title: "my own", in: second)], hashed: [home])
    #expect(try catalogue.shares(at: work.path).map(\.title.text) == ["for all"])
    #expect(try catalogue.shares(at: home.path).map(\.title.text) == ["my own"])
  }

  // MARK: Counts and lists

  @Test func `document of several files counts once and is withheld if none of them is heard of`() throws {
    let catalogue = try workspace.catalogue()
    let files = try ["a", "b", "c"].map { try hash(catalogue, 100, as: $0) }
    try catalogue.add(
      [share(files[0], in: first), share(files[1], in: second), share(files[2], as: "file/c", in: second)],
      hashed: files)
    #expect(try catalogue.totals() == CatalogueTotals(documents: 2, bytes: 200))
    #expect(try [first, second, .open].map(catalogue.withheldCount) == [1, 0, 2])
    try catalogue.withdraw(path: files[1].path)
    #expect(try catalogue.totals() == CatalogueTotals(documents: 2, bytes: 200))
    #expect(try [first, second, .open].map(catalogue.withheldCount) == [1, 1, 2])
    #expect(try catalogue.remove(key("file/a")).count == 2)
    #expect(try catalogue.totals() == CatalogueTotals(documents: 1, bytes: 100))
  }

  @Test func `page ends behind all files of its last document`() throws {
    let catalogue = try workspace.catalogue()
    let files = try ["a", "b", "c", "d"].map { try hash(catalogue, 100, as: $0) }
    try catalogue.add(
      files.map { share($0, in: first) } + [share(files[0], as: "file/b", in: first)], hashed: files)
    let page = try catalogue.page(limit: 2)
    #expect(page.map(\.path) == files.map(\.path))
    #expect(try catalogue.page(after: page.last?.id, limit: 2).map(\.key) == [key("file/b")])
    #expect(try catalogue.page(limit: 0).isEmpty)
  }

  // MARK: Catalogues of the version before

  private func fill(_ count: Int) throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, 40_000, as: "a")
    let shares = (0..<count).map { number in
      Share(
        document: Document(
          key: key("file/\(number)"), title: Title(normalizing: "number \(number)"), content: file.content,
          modified: Timestamp(seconds: 1)), path: "/files/\(number)", origin: .added, fingerprint: file.fingerprint,
        audience: Audience(first))
    }
    try catalogue.add(shares, hashed: [file])
    catalogue.close()
    try workspace.makeSharesOfDocuments()
  }

  @Test func `shares of the version before are kept`() throws {
    try fill(100)
    let catalogue = try workspace.catalogue()
    #expect(catalogue.rescue == nil)
    #expect(try catalogue.page(limit: 1000).count == 100)
    #expect(try catalogue.withheldCount(from: first) == 0)
    try catalogue.inspect()
    #expect(try catalogue.shares(at: "/files/7").map(\.title.text) == ["number 7"])
    let other = try hash(catalogue, 100, as: "b")
    try catalogue.add([share(other, as: "file/7", in: second)], hashed: [other])
    #expect(try catalogue.shares(under: key("file/7")).count == 2)
  }

  /// Replaces pages of the database, and lets the next start meet the damage.
  private func damage(_ whole: Data, _ range: Range<Int>) throws {
    let path = workspace.state + "/catalogue.sqlite"
    try? FileManager.default.removeItem(atPath: path + ".damaged-1")
    var bytes = whole
    bytes.replaceSubrange(range, with: Data(count: range.count))
    try bytes.write(to: URL(filePath: path))
    try Data().write(to: URL(filePath: path + ".suspect"))
  }

  /// Whether the version of now has opened it before.
  @Test(arguments: [false, true]) func `no page of a former catalogue takes more than its rows along`(
    isMigrated: Bool
  ) throws {
    let count = 301
    try fill(count)
    if isMigrated { try workspace.catalogue().close() }
    let whole = try Data(contentsOf: URL(filePath: workspace.state + "/catalogue.sqlite"))
    let page = 4_096
    for number in 0..<(whole.count / page) {
      try damage(whole, number * page..<(number + 1) * page)
      let catalogue = try workspace.catalogue()
      let shares = try catalogue.page(limit: 1_000)
      #expect(shares.count > count - 60, "page \(number)")
      #expect(shares.allSatisfy { $0.state == .shared || $0.path.hasPrefix("/files/") }, "page \(number)")
      if number == 0 {
        #expect(shares.count == count, "the first page holds no rows")
        #expect(shares.allSatisfy { $0.audience == Audience(first) && $0.title.text.hasPrefix("number") })
      }
      try catalogue.inspect()
      catalogue.close()
    }
    #expect(try !workspace.names(in: "state").contains { $0.contains(".old") }, "no copy is left")
  }
}
