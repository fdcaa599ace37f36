// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import Synchronization
import Testing

@Suite struct CatalogueTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
  }

  @Test func `share is found by key, content and path`() throws {
    let catalogue = try workspace.catalogue()
    let files = try hashed(catalogue, [100, 20_000, 20_000], names: ["a", "b", "c"])
    let shares = [
      share(files[0], as: "file/a"), share(files[1], as: "file/b", origin: .downloaded), share(files[1], as: "rfc/9"),
    ]
    #expect(try catalogue.add(shares, hashed: files).isEmpty)
    #expect(try catalogue.shares(under: key("file/a")) == [shares[0]])
    #expect(try catalogue.shares(of: files[1].content) == [shares[1], shares[2]])
    #expect(try catalogue.shares(at: files[1].path) == [shares[1], shares[2]])
    #expect(try catalogue.page(limit: 10) == shares)
    #expect(try catalogue.totals() == totals(3, 40_100))
    #expect(try catalogue.content(of: files[1].fingerprint) == files[1].content)
    #expect(try catalogue.shares(under: key("file/zzz")).isEmpty)
  }

  @Test func `adding a document again replaces title and path`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hashed(catalogue, [100], names: ["a"])[0]
    try catalogue.add([share(file, as: "file/a", origin: .downloaded)])
    let again = Share(
      document: Document(
        key: key("file/a"), title: Title(normalizing: "new"), content: file.content, modified: .init(seconds: 7)),
      path: file.path, origin: .added, fingerprint: file.fingerprint)
    #expect(try catalogue.add([again]).isEmpty)
    #expect(try catalogue.page(limit: 10) == [again])
  }

  /// One path has one content at a time; another path may hold another content under the same key.
  @Test func `changed file supersedes its own share only`() throws {
    let catalogue = try workspace.catalogue()
    let before = try hashed(catalogue, [100], names: ["a"])[0]
    let namesake = try hashed(catalogue, [300], names: ["elsewhere"])[0]
    let old = share(before, as: "file/a")
    try catalogue.add([old, share(namesake, as: "file/a")])
    let after = try hashed(catalogue, [200], names: ["a"])[0]
    let new = share(after, as: "file/a")
    #expect(try catalogue.add([new]) == [old])
    #expect(Set(try catalogue.shares(under: key("file/a"))) == [new, share(namesake, as: "file/a")])
  }

  @Test func `remove takes all contents of a key or one`() throws {
    let catalogue = try workspace.catalogue()
    let files = try hashed(catalogue, [1, 2, 3], names: ["a", "b", "c"])
    try catalogue.add(files.map { share($0, as: "file/same") })
    #expect(try catalogue.remove(key("file/same"), content: files[1].content) == [share(files[1], as: "file/same")])
    #expect(try catalogue.remove(key("file/same")).count == 2)
    #expect(try catalogue.remove(key("file/same")).isEmpty)
    #expect(try catalogue.totals() == totals(0, 0))
    #expect(FileManager.default.fileExists(atPath: files[0].path))
  }

  @Test func `withdrawn share stays listed until it is added again`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hashed(catalogue, [100], names: ["a"])[0]
    let one = share(file, as: "file/a")
    try catalogue.add([one, share(file, as: "file/b")])
    #expect(try catalogue.withdraw(path: file.path) == [one, share(file, as: "file/b")])
    #expect(try catalogue.withdraw(path: file.path).isEmpty)
    #expect(try catalogue.page(limit: 10).map(\.state) == [.withdrawn, .withdrawn])
    #expect(try catalogue.totals() == totals(0, 0))
    try catalogue.add([one])
    #expect(try catalogue.page(limit: 10).map(\.state) == [.shared, .withdrawn])
  }

  @Test func `pages cover every share once, in order`() throws {
    let catalogue = try workspace.catalogue()
    let files = try hashed(catalogue, [1, 2, 3], names: ["a", "b", "c"])
    let shares = (0..<25).flatMap { number in files.map { share($0, as: "file/é-\(number % 13)/\(number)") } }
    try catalogue.add(shares)
    var seen = [Share]()
    var position: DocumentID?
    while let last = try catalogue.page(after: position, limit: 4).last {
      seen += try catalogue.page(after: position, limit: 4)
      position = last.id
    }
    #expect(seen.count == 75)
    #expect(Set(seen) == Set(shares))
    #expect(seen == seen.sorted { ($0.key, $0.content) < ($1.key, $1.content) })
    #expect(try catalogue.page(limit: -1).isEmpty)
  }

  @Test func `fingerprint that differs in one field is unknown`() throws {
    let catalogue = try workspace.catalogue()
    let mark = FileFingerprint(device: .max, inode: .max, size: 16, modified: -5, changed: 7)
    let hashed = try hashed(catalogue, [16], names: ["a"])[0]
    try catalogue.remember([HashedFile(path: "/x", layer: hashed.layer, fingerprint: mark, isRacy: false)])
    #expect(try catalogue.content(of: mark) == hashed.content)
    for other in [
      FileFingerprint(device: 0, inode: .max, size: 16, modified: -5, changed: 7),
      FileFingerprint(device: .max, inode: 0, size: 16, modified: -5, changed: 7),
      FileFingerprint(device: .max, inode: .max, size: 17, modified: -5, changed: 7),
      FileFingerprint(device: .max, inode: .max, size: 16, modified: -6, changed: 7),
      FileFingerprint(device: .max, inode: .max, size: 16, modified: -5, changed: 8),
    ] { #expect(try catalogue.content(of: other) == nil) }
  }

  @Test func `setting is stored and removed`() throws {
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.setting("index") == nil)
    try catalogue.set("index", to: "192.0.2.7:7734")
    try catalogue.set("index", to: "[2001:db8::1]:7734")
    #expect(try catalogue.setting("index") == "[2001:db8::1]:7734")
    try catalogue.set("index", to: nil)
    #expect(try catalogue.setting("index") == nil)
  }

  // MARK: Layers

  @Test func `layers survive a restart and are removed with their last share`() throws {
    let sizes = [1, 16_384, 20_000, 17_000_000]
    var contents = [Content]()
    do {
      let catalogue = try workspace.catalogue()
      let files = try hashed(catalogue, sizes, names: ["a", "b", "c", "d"])
      contents = files.map(\.content)
      try catalogue.add(files.enumerated().map { share($0.element, as: "file/\($0.offset)") }, hashed: files)
      #expect(try workspace.names(in: "state/layers").count == 1)
    }
    do {
      let catalogue = try workspace.catalogue()
      for content in contents { #expect(try proves(catalogue, content)) }
      for number in 0..<4 { try catalogue.remove(key("file/\(number)")) }
      #expect(try proves(catalogue, contents[3]), "a mistake is cheap to undo")
      try catalogue.collectUnused()
      #expect(try workspace.names(in: "state/layers").isEmpty)
    }
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.tree(of: contents[2]) == nil)
    #expect(try catalogue.tree(of: contents[3]) == nil)
    #expect(try catalogue.tree(of: .empty) == nil)
  }

  @Test func `damaged layer is detected and replaced by hashing again`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hashed(catalogue, [17_000_000], names: ["a"])[0]
    try catalogue.add([share(file, as: "file/a")], hashed: [file])
    let name = try #require(try workspace.names(in: "state/layers").first)
    let path = "\(workspace.state)/layers/\(name)"
    let tree = try #require(try catalogue.tree(of: file.content))
    let last = try #require(HashRange.leaves(around: 1037, of: file.content))
    let first = try #require(HashRange.leaves(around: 0, of: file.content))
    try workspace.flip(path, at: 1037 * 32 + 5)
    #expect(first.verify(try tree.hashes(first), against: file.content))
    #expect(code { try tree.hashes(last) } == .damagedLayer)

    try catalogue.forgetLayer(of: file.content)
    #expect(try catalogue.tree(of: file.content) == nil)
    #expect(try catalogue.content(of: file.fingerprint) == nil, "what cannot be proven is not known")
    try catalogue.remember([FileHasher(layers: catalogue.layers).hash(file.path)])
    #expect(try proves(catalogue, file.content))
  }

  @Test(arguments: [0, -1]) func `layer file with wrong upper nodes or length is ignored`(_ cut: Int) throws {
    do {
      let catalogue = try workspace.catalogue()
      let file = try hashed(catalogue, [17_000_000], names: ["a"])[0]
      try catalogue.add([share(file, as: "file/a")], hashed: [file])
    }
    let name = try #require(try workspace.names(in: "state/layers").first)
    let path = "\(workspace.state)/layers/\(name)"
    if cut == 0 { try workspace.flip(path, at: 1038 * 32) } else { #expect(truncate(path, 1038 * 32) == 0) }
    let catalogue = try workspace.catalogue()
    let content = try #require(try catalogue.page(limit: 1).first?.content)
    #expect(try catalogue.tree(of: content) == nil)
  }

  @Test func `drafts of a dead process are removed`() throws {
    let catalogue = try workspace.catalogue()
    var draft: LayerDraft? = try catalogue.layers.draft(size: 20_000_000)
    #expect(try workspace.names(in: "state/layers").count == 1)
    #expect(draft?.size == 20_000_000)
    draft = nil
    #expect(try workspace.names(in: "state/layers").isEmpty)
    try Data([1]).write(to: URL(filePath: "\(workspace.state)/layers/draft.1"))
    let copy = try snapshot()
    _ = try Catalogue(directory: copy)
    #expect(try FileManager.default.contentsOfDirectory(atPath: copy + "/layers").isEmpty)
  }

  @Test func `leaves outside the content are refused`() throws {
    let catalogue = try workspace.catalogue()
    for size in [40_000, 20_000_000] as [Int64] {
      let draft = try catalogue.layers.draft(size: size)
      let count = PieceGeometry(size: size).blockCount
      for (first, length) in [(-1, 32), (count, 32), (count - 1, 64), (0, 31), (Int64.max, 32), (Int64.min, 32)] {
        #expect(code { try draft.put([UInt8](repeating: 0, count: length), from: first) } == .invalidRange)
      }
      for (first, length) in [(-1, 1), (count, 1), (0, -1), (Int64.max, 1), (0, Int(count) + 1)] {
        #expect(code { try draft.leaves(from: first, count: length) } == .invalidRange)
      }
      try draft.put([UInt8](1...32), from: count - 1)
      #expect(try draft.leaves(from: count - 2, count: 2) == [UInt8](repeating: 0, count: 32) + [UInt8](1...32))
    }
  }

  // MARK: Starts

  /// A copy of the files while the database is open is what kill -9 leaves behind.
  @Test func `acknowledged shares survive kill -9`() throws {
    let catalogue = try workspace.catalogue()
    let files = try hashed(catalogue, [100, 20_000, 17_000_000], names: ["a", "b", "c"])
    for (number, file) in files.enumerated() {
      try catalogue.add([share(file, as: "file/\(number)")], hashed: [file])
      let copy = try snapshot()
      let reborn = try Catalogue(directory: copy)
      #expect(reborn.rescue == nil)
      #expect(try reborn.totals().documents == Int64(number + 1))
      for file in files[...number] {
        #expect(try proves(reborn, file.content))
        #expect(try reborn.content(of: file.fingerprint) == file.content)
      }
    }
  }

  @Test func `second process is refused`() throws {
    let catalogue = try workspace.catalogue()
    let error = try #require(throws: StoreError.self) { try workspace.catalogue() }
    #expect(error.code == .catalogueInUse)
    #expect(try catalogue.totals().documents == 0)
  }

  @Test(arguments: ["nonsense", "header", "middle", "directoryless"])
  func `damaged database is replaced by what can be read`(
    _ damage: String
  )
    throws
  {
    do {
      let catalogue = try workspace.catalogue()
      let file = try hashed(catalogue, [100], names: ["a"])[0]
      try catalogue.add((0..<2000).map { share(file, as: "file/\($0)") })
      try catalogue.set("index", to: "kept nowhere")
    }
    let path = workspace.state + "/catalogue.sqlite"
    switch damage {
    case "nonsense": try Data(pattern(5000)).write(to: URL(filePath: path))
    case "header": try workspace.flip(path, at: 0, count: 100)
    case "middle": try workspace.flip(path, at: 20_000, count: 60_000)
    default: #expect(truncate(path, 10_000) == 0)
    }
    var opened: Catalogue? = try workspace.catalogue()
    if opened?.rescue == nil {
      // Found while the peer serves already, and mended by the next start.
      #expect(code { try opened?.inspect() } == .catalogueDamaged)
      opened = nil
      opened = try workspace.catalogue()
    }
    let catalogue = try #require(opened)
    #expect(catalogue.rescue?.aside == path + ".damaged-1")
    #expect(!FileManager.default.fileExists(atPath: path + ".suspect"))
    #expect(FileManager.default.fileExists(atPath: path + ".damaged-1"))
    let shares = try catalogue.page(limit: 5_000)
    #expect(shares.count == catalogue.rescue?.shares)
    switch damage {
    case "nonsense": #expect(shares.isEmpty)
    case "header": #expect(shares.count == 2_000, "the first page holds no rows")
    case "middle": #expect((100..<2_000).contains(shares.count))
    default: break
    }
    try catalogue.inspect()
    try catalogue.set("index", to: "again")
    #expect(try catalogue.setting("index") == "again")
  }

  /// SQLite keeps no checksums: a bit that flips inside a title leaves a database in order and a row that nobody can read.
  /// Were it not replaced, every start would meet it again.
  @Test func `database with an invalid row is replaced without it`() throws {
    let path = workspace.state + "/catalogue.sqlite"
    do {
      let catalogue = try workspace.catalogue()
      let file = try hashed(catalogue, [100], names: ["a"])[0]
      let titled = Document(
        key: key("file/two"), title: Title(normalizing: "stands once"), content: file.content,
        modified: Timestamp(seconds: 1))
      try catalogue.add([
        share(file, as: "file/one"),
        Share(document: titled, path: file.path, origin: .added, fingerprint: file.fingerprint),
      ])
      catalogue.close()
    }
    var bytes = try Data(contentsOf: URL(filePath: path))
    let title = try #require(bytes.range(of: Data("stands once".utf8)))
    bytes[title.lowerBound] = 0x07
    try bytes.write(to: URL(filePath: path))

    let met = Mutex(0)
    var catalogue: Catalogue? = try Catalogue(directory: workspace.state, damaged: { met.withLock { $0 += 1 } })
    #expect(catalogue?.rescue == nil)
    #expect(code { try catalogue?.inspect() } == .catalogueDamaged)
    #expect(code { try catalogue?.page(limit: 10) } == .catalogueDamaged)
    #expect(met.withLock { $0 } == 2)
    catalogue = nil
    let mended = try workspace.catalogue()
    #expect(mended.rescue?.aside == path + ".damaged-1" && mended.rescue?.shares == 1)
    #expect(try mended.page(limit: 10).map(\.key.text) == ["file/one"])
    try mended.inspect()
  }

  /// As a full disk, and no reason to suspect the database.
  @Test func `file size limit is reported as no space`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGXFSZ, SIG_IGN)
      let workspace = try Workspace()
      let catalogue = try workspace.catalogue()
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      limit.rlim_cur = 1 << 20
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let value = String(repeating: "x", count: 50_000)
      let error = #expect(throws: StoreError.self) {
        for number in 0..<100 { try catalogue.set("\(number)", to: value) }
      }
      #expect(error?.code == .noSpace)
      #expect(error?.reason.contains("1048576 bytes") == true)
      limit.rlim_cur = limit.rlim_max
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      try catalogue.set("last", to: value)
      #expect(try catalogue.setting("last") == value)
    }
  }

  @Test func `hash of the wrong type is ignored`() throws {
    let mark = FileFingerprint(device: 1, inode: 2, size: 100, modified: 3, changed: 4)
    do {
      let catalogue = try workspace.catalogue()
      let file = try hashed(catalogue, [100], names: ["a"])[0]
      try catalogue.remember([HashedFile(path: "/x", layer: file.layer, fingerprint: mark, isRacy: false)])
      #expect(try catalogue.content(of: mark) == file.content)
    }
    try workspace.withDatabase { database in
      try database.execute(sql: "PRAGMA writable_schema = ON")
      try database.execute(
        sql: "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, ', '') WHERE name = 'hashed'")
    }
    try workspace.withDatabase { try $0.execute(sql: "UPDATE hashed SET root = 7") }
    #expect(try workspace.catalogue().content(of: mark) == nil)
  }

  @Test func `close leaves everything in one file`() throws {
    do {
      let catalogue = try workspace.catalogue()
      try catalogue.set("index", to: "kept")
      catalogue.close()
      #expect(code { try catalogue.setting("index") } == .catalogueFailed)
    }
    for suffix in ["-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: workspace.state + "/catalogue.sqlite" + suffix)
    }
    #expect(try workspace.catalogue().setting("index") == "kept")
  }

  @Test func `mark without damage changes nothing`() throws {
    do { try workspace.catalogue().set("index", to: "kept") }
    let mark = workspace.state + "/catalogue.sqlite.suspect"
    try Data().write(to: URL(filePath: mark))
    let catalogue = try workspace.catalogue()
    #expect(catalogue.rescue == nil)
    #expect(try catalogue.setting("index") == "kept")
    #expect(!FileManager.default.fileExists(atPath: mark))
    try catalogue.inspect()
  }

  @Test func `database of a newer version is not touched`() throws {
    do { _ = try workspace.catalogue() }
    let path = workspace.state + "/catalogue.sqlite"
    try workspace.withDatabase { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('2 later')") }
    let error = try #require(throws: StoreError.self) { try workspace.catalogue() }
    #expect(error.code == .catalogueFailed)
    #expect(error.reason.contains("newer version"))
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test func `state directory is private`() throws {
    let catalogue = try workspace.catalogue()
    let attributes = try FileManager.default.attributesOfItem(atPath: workspace.state)
    #expect(attributes[.posixPermissions] as? Int == 0o700)
    #expect(catalogue.rescue == nil)
    #expect(code { try Catalogue(directory: workspace.path + "/no/such") } == .cannotCreate)
  }

  // MARK: Material

  private func totals(_ documents: Int64, _ bytes: Int64) -> CatalogueTotals {
    CatalogueTotals(documents: documents, bytes: bytes)
  }

  /// Files of these sizes, all different.
  private func hashed(_ catalogue: Catalogue, _ sizes: [Int], names: [String]) throws -> [HashedFile] {
    let hasher = FileHasher(layers: catalogue.layers)
    return try zip(sizes, names).map { size, name in
      try hasher.hash(workspace.file(name, pattern(size - 1) + [UInt8(truncatingIfNeeded: name.utf8.first ?? 0)]))
    }
  }

  private func proves(_ catalogue: Catalogue, _ content: Content) throws -> Bool {
    guard let tree = try catalogue.tree(of: content),
      let range = HashRange.leaves(around: content.geometry.blockCount - 1, of: content)
    else { return false }
    return range.verify(try tree.hashes(range), against: content)
  }

  private func snapshot() throws -> String {
    let copy = "\(workspace.path)/copy-\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: workspace.state, toPath: copy)
    return copy
  }
}
