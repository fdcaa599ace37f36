// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import TestSupport
import Testing

/// Which networks hear of a share.
@Suite struct HomeTests {
  private let workspace: Workspace
  private let (first, second): (Home, Home)

  init() throws {
    workspace = try Workspace()
    (first, second) = (try closedNetwork(1), try closedNetwork(2))
  }

  private func share(_ file: HashedFile, as name: String = "file/a", in home: Home) -> Share {
    Share(
      document: Document(
        key: key(name), title: Title(normalizing: name), content: file.content, modified: Timestamp(seconds: 1)),
      path: file.path, origin: .added, fingerprint: file.fingerprint, audience: Audience(home))
  }

  private func hash(_ catalogue: Catalogue, _ bytes: [UInt8], as name: String = "a") throws -> HashedFile {
    try FileHasher(layers: catalogue.layers).hash(workspace.file(name, bytes))
  }

  private func audience(_ catalogue: Catalogue, _ name: String = "file/a") throws -> Audience {
    try #require(try catalogue.shares(under: key(name)).first).audience
  }

  // MARK: Values

  @Test func `audience is its home and what it was released to`() {
    let audience = Audience(first).union(Audience(.open))
    #expect(audience.contains(first) && audience.contains(.open) && !audience.contains(second))
    #expect(audience.union(Audience(first)) == audience)
    #expect(audience.union(Audience(.nowhere)) == audience)
    let nobody = Audience(.nowhere)
    #expect(!nobody.contains(.nowhere) && !nobody.contains(.open))
  }

  // MARK: Shares

  @Test func `what was shared in open networks goes with one that its owner closes`() throws {
    let catalogue = try workspace.catalogue()
    let (open, other) = (try hash(catalogue, pattern(100)), try hash(catalogue, pattern(200), as: "b"))
    try catalogue.add([share(open, in: .open), share(other, as: "file/b", in: second)], hashed: [open, other])
    // Kept by an earlier version: the last index was open.
    try catalogue.beginHomes(isOwn: true)
    let place = IndexPlace("own")
    #expect(try !catalogue.settleHomes(at: [IndexPlace("192.0.2.1:7734")], isOwn: false, in: second))
    #expect(try audience(catalogue) == Audience(.open), "no other index can say that it is the one that was open")
    #expect(try catalogue.settleHomes(at: [place], isOwn: true, in: first))
    #expect(try audience(catalogue) == Audience(.open).union(Audience(first)))
    #expect(try audience(catalogue, "file/b") == Audience(second))
    try catalogue.beginHomes(isOwn: true)
    try catalogue.add([share(open, as: "file/c", in: .open)])
    #expect(try !catalogue.settleHomes(at: [place], isOwn: true, in: first), "it was closed before")
    #expect(try audience(catalogue, "file/c") == Audience(.open))
  }

  @Test func `what was shared in the open network of others does not go with an own index`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, pattern(100))
    try catalogue.add([share(file, in: .open)], hashed: [file])
    try catalogue.beginHomes(isOwn: false)
    try catalogue.beginHomes(isOwn: true)
    #expect(try !catalogue.settleHomes(at: [IndexPlace("own")], isOwn: true, in: first))
    #expect(try audience(catalogue) == Audience(.open))
  }

  @Test func `what was shared for an index that was not reached belongs to its network when it is`() throws {
    let catalogue = try workspace.catalogue()
    let (place, other) = (IndexPlace("192.0.2.1:7734"), IndexPlace("192.0.2.2:7734"))
    let file = try hash(catalogue, pattern(100))
    try catalogue.add([share(file, in: .awaited(place))], hashed: [file])
    #expect(try audience(catalogue) == Audience(.awaited(place)))
    #expect(try !catalogue.settleHomes(at: [other], isOwn: false, in: second))
    #expect(try audience(catalogue) == Audience(.awaited(place)))
    #expect(try catalogue.withheldCount(from: second) == 1)
    #expect(try !catalogue.settleHomes(at: [IndexPlace("id of another"), place], isOwn: false, in: first))
    #expect(try audience(catalogue) == Audience(first))
  }

  @Test func `share that is added again in another network is known in both`() throws {
    do {
      let catalogue = try workspace.catalogue()
      let file = try hash(catalogue, pattern(100))
      try catalogue.add([share(file, in: first)], hashed: [file])
      #expect(try audience(catalogue) == Audience(first))
      try catalogue.add([share(file, in: second)])
      catalogue.close()
    }
    let audience = try audience(workspace.catalogue())
    #expect(audience == Audience(first).union(Audience(second)))
  }

  @Test func `changed file keeps its networks`() throws {
    let catalogue = try workspace.catalogue()
    let old = try hash(catalogue, pattern(100))
    try catalogue.add([share(old, in: first)], hashed: [old])
    let new = try hash(catalogue, pattern(200))
    #expect(try catalogue.add([share(new, in: second)], hashed: [new]).map(\.content) == [old.content])
    #expect(try audience(catalogue) == Audience(first).union(Audience(second)))
    #expect(try catalogue.shares(under: key("file/a")).map(\.content) == [new.content])
  }

  @Test func `removed share leaves nothing behind`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, pattern(100))
    try catalogue.add([share(file, in: first)], hashed: [file])
    try catalogue.remove(key("file/a"))
    try catalogue.add([share(file, in: second)], hashed: [file])
    #expect(try audience(catalogue) == Audience(second))
  }

  @Test func `release is for one network and for what is shared now`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, pattern(100))
    let homes: [Home] = [first, .open, .nowhere]
    let shares = homes.enumerated().map { share(file, as: "file/\($0)", in: $1) }
    try catalogue.add(shares, hashed: [file])
    #expect(try [first, second, .open].map(catalogue.withheldCount) == [2, 3, 2])
    try catalogue.releaseAll(to: second)
    #expect(try [first, second, .open].map(catalogue.withheldCount) == [2, 0, 2])
    try catalogue.add([share(file, as: "file/new", in: first)])
    #expect(try catalogue.withheldCount(from: second) == 1)
    _ = try catalogue.withdraw(path: file.path)
    #expect(try catalogue.withheldCount(from: second) == 0, "nothing is shared now")
  }

  @Test func `only files of the network are found to be served together`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, pattern(100))
    try catalogue.add([share(file, in: first)], hashed: [file])
    #expect(try catalogue.sharedFiles(of: [file.content], in: first).count == 1)
    #expect(try catalogue.sharedFiles(of: [file.content], in: .open).isEmpty)
  }

  // MARK: Catalogues of a version without homes

  private static let indexKey: [UInt8] = [1, 2, 3]

  /// The id of the index with that key.
  private var index: PeerID {
    get throws {
      // SHA-256 of its bytes.
      let hex = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
      return PeerID(digest: try #require(Digest(hex: hex.utf8)))
    }
  }

  /// Makes a catalogue with two files what a version without homes would have made of it.
  /// - Parameter withheld: the network from which the first file is withheld.
  private func makeOld(network: String?, withheld: PeerID?) throws {
    let catalogue = try workspace.catalogue()
    let files = try ["a", "b"].map { try hash(catalogue, pattern($0 == "a" ? 100 : 200), as: $0) }
    try catalogue.add(zip(files, ["file/a", "file/b"]).map { share($0, as: $1, in: .open) }, hashed: files)
    _ = try catalogue.addDownload(
      DownloadRecord(document: share(files[0], in: .open).document, path: "/d", created: Timestamp(seconds: 1)))
    try catalogue.record(PrefixRecord(id: 7, prefix: "data/", path: "/p", created: Timestamp(seconds: 1)))
    try catalogue.set(Catalogue.networkSetting, to: network)
    catalogue.close()
    try workspace.makeSharesOfDocuments()
    try workspace.withDatabase { database in
      try database.execute(
        sql: """
          ALTER TABLE share DROP COLUMN audience;
          ALTER TABLE download DROP COLUMN home;
          ALTER TABLE prefixDownload DROP COLUMN home;
          CREATE TABLE withheld (
            network BLOB NOT NULL, path TEXT NOT NULL, PRIMARY KEY (network, path)) STRICT, WITHOUT ROWID;
          DELETE FROM grdb_migrations WHERE identifier LIKE '7 %';
          """)
      if let withheld {
        try database.execute(
          sql: "INSERT INTO withheld VALUES (?, ?)", arguments: [Data(withheld.digest.bytes), files[0].path])
      }
    }
  }

  private func checkHomes(_ catalogue: Catalogue, withheld: Audience, others: Home) throws {
    #expect(try audience(catalogue, "file/a") == withheld)
    #expect(try audience(catalogue, "file/b") == Audience(others))
    #expect(try catalogue.downloads(limit: 10).map(\.home) == [others])
    #expect(try catalogue.unfinishedPrefixes().map(\.home) == [others])
    #expect(try catalogue.totals().documents == 2)
  }

  @Test func `older catalogue belongs to the network of its last run`() throws {
    try makeOld(network: Base64URL.encode(Self.indexKey), withheld: index)
    let catalogue = try workspace.catalogue()
    try checkHomes(catalogue, withheld: Audience(.open), others: .closed(index))
    #expect(try catalogue.withheldCount(from: .closed(index)) == 1)
    try catalogue.inspect()
  }

  @Test func `older catalogue of an open network stays in it`() throws {
    // Withheld from a network that the peer has left.
    try makeOld(network: nil, withheld: index)
    try checkHomes(workspace.catalogue(), withheld: Audience(.open), others: .open)
  }

  @Test func `older catalogue of a peer that was put out of its network belongs to none`() throws {
    try makeOld(network: ".outside", withheld: nil)
    try checkHomes(workspace.catalogue(), withheld: Audience(.nowhere), others: .nowhere)
  }

  /// What is left of a damaged one never comes into an open network.
  @Test func `no page of an older catalogue matters to homes`() throws {
    try makeOld(network: Base64URL.encode(Self.indexKey), withheld: nil)
    let path = workspace.state + "/catalogue.sqlite"
    let whole = try Data(contentsOf: URL(filePath: path))
    let (page, home) = (4_096, Home.closed(try index))
    for number in 0..<(whole.count / page) {
      try? FileManager.default.removeItem(atPath: path + ".damaged-1")
      var bytes = whole
      bytes.replaceSubrange(number * page..<(number + 1) * page, with: Data(count: page))
      try bytes.write(to: URL(filePath: path))
      try Data().write(to: URL(filePath: path + ".suspect"))
      let catalogue = try workspace.catalogue()
      // Without it the peer does not know of its network either.
      guard try catalogue.setting(Catalogue.networkSetting) != nil else { continue }
      let shares = try catalogue.page(limit: 10)
      #expect(shares.allSatisfy { !$0.audience.contains(.open) }, "page \(number)")
      if number > 0 { #expect(shares.allSatisfy { $0.audience.contains(home) }, "page \(number)") }
      catalogue.close()
    }
  }

  @Test func `rescue of an older catalogue keeps homes`() throws {
    try makeOld(network: Base64URL.encode(Self.indexKey), withheld: index)
    // A row that no longer follows the rules of its columns.
    try workspace.withDatabase { database in
      try database.execute(
        sql: "INSERT INTO share SELECT 'file/c', root, size, title, modified, path, origin, 9, device, "
          + "inode, mtime, ctime, fileSize, permissions FROM share WHERE key = 'file/b'")
    }
    try Data().write(to: URL(filePath: workspace.state + "/catalogue.sqlite.suspect"))
    let catalogue = try workspace.catalogue()
    #expect(catalogue.rescue?.shares == 2)
    try checkHomes(catalogue, withheld: Audience(.open), others: .closed(index))
  }
}
