// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import Glibc
import Synchronization
import TestSupport
import Testing

/// Databases as flipped bits and other programs leave them.
@Suite struct CatalogueDamageTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
  }

  private func addShares(_ count: Int) throws -> HashedFile {
    let catalogue = try workspace.catalogue()
    let file = try FileHasher(layers: catalogue.layers).hash(workspace.file("a", pattern(40_000)))
    try catalogue.add((0..<count).map { share(file, as: "file/\($0)") }, hashed: [file])
    catalogue.close()
    return file
  }

  private static let damages = [
    "key = 'no key'", "key = 'file/' || char(7)", "root = x'00'", "root = x''", "size = -1",
    "size = 9223372036854775807",
    "title = char(27)", "title = 'a' || char(8238) || 'b'", "origin = 2", "origin = -1", "state = 2",
  ]

  @Test(arguments: damages) func `one row with an invalid column is found by the check and left out`(change: String)
    throws
  {
    _ = try addShares(3)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET \(change) WHERE key = 'file/1'") }
    let reports = Mutex(0)
    do {
      let catalogue = try Catalogue(directory: workspace.state, damaged: { reports.withLock { $0 += 1 } })
      #expect(catalogue.rescue == nil, "nothing is suspected yet")
      #expect(try catalogue.shares(under: key("file/0")).count == 1, "other rows are served")
      #expect(code { try catalogue.inspect() } == .catalogueDamaged)
      #expect(reports.withLock { $0 } == 1)
    }
    let catalogue = try workspace.catalogue()
    #expect(catalogue.rescue?.aside.hasSuffix(".damaged-1") == true)
    let keys = try catalogue.page(limit: 10).map(\.key.text)
    #expect(keys == ["file/0", "file/2"])
    try catalogue.inspect()
  }

  @Test func `damage met by a lookup is reported and checked at the next start`() throws {
    _ = try addShares(2)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET state = 9 WHERE key = 'file/1'") }
    let reports = Mutex(0)
    do {
      let catalogue = try Catalogue(directory: workspace.state, damaged: { reports.withLock { $0 += 1 } })
      let error = #expect(throws: StoreError.self) { try catalogue.shares(under: key("file/1")) }
      #expect(error?.code == .catalogueDamaged && error?.reason.contains("try again") == true)
      #expect(code { try catalogue.page(limit: 10) } == .catalogueDamaged)
      #expect(reports.withLock { $0 } == 2)
    }
    #expect(try workspace.catalogue().rescue != nil)
  }

  @Test func `each damaged database gets its own name`() throws {
    for number in 1...3 {
      _ = try addShares(1)
      try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET state = 9") }
      try Data().write(to: URL(filePath: workspace.state + "/catalogue.sqlite.suspect"))
      let catalogue = try workspace.catalogue()
      #expect(catalogue.rescue?.aside.hasSuffix("/catalogue.sqlite.damaged-\(number)") == true)
      catalogue.close()
    }
  }

  /// Zeroes each page in turn. Rows on other pages survive; of a row that is lost, the index of paths may still know enough.
  @Test func `one zeroed page loses no more than its rows`() throws {
    let count = 301
    do {
      let catalogue = try workspace.catalogue()
      let file = try FileHasher(layers: catalogue.layers).hash(workspace.file("a", pattern(40_000)))
      let shares = (0..<count).map { number in
        Share(
          document: Document(
            key: key("file/\(number)"), title: Title(normalizing: "number \(number)"), content: file.content,
            modified: Timestamp(seconds: 1)), path: "/files/\(number)", origin: .added, fingerprint: file.fingerprint)
      }
      try catalogue.add(shares, hashed: [file])
      try catalogue.set("index", to: "192.0.2.1:7734")
      catalogue.close()
    }
    let path = workspace.state + "/catalogue.sqlite"
    let whole = try Data(contentsOf: URL(filePath: path))
    let page = 4_096
    for number in 0..<(whole.count / page) {
      try? FileManager.default.removeItem(atPath: workspace.state + "/catalogue.sqlite.damaged-1")
      var bytes = whole
      bytes.replaceSubrange(number * page..<(number + 1) * page, with: Data(count: page))
      try bytes.write(to: URL(filePath: path))
      try Data().write(to: URL(filePath: path + ".suspect"))
      let catalogue = try workspace.catalogue()
      let shares = try catalogue.page(limit: 1_000)
      // A page holds at most 60 of these rows, and a path is in another tree than the row.
      #expect(shares.count > count - 60, "page \(number)")
      #expect(shares.allSatisfy { $0.state == .shared || ($0.origin == .downloaded && $0.path.hasPrefix("/files/")) })
      if number == 0 { #expect(shares.count == count, "the first page holds no rows") }
      try catalogue.inspect()
      catalogue.close()
    }
    // Shorter than its header says, at last without any row.
    for (length, least) in [
      (whole.count - page, count - 60), (whole.count - 100, count - 60), (whole.count / 2, 1), (2_000, 0), (200, 0),
    ] {
      try? FileManager.default.removeItem(atPath: workspace.state + "/catalogue.sqlite.damaged-1")
      try whole.prefix(length).write(to: URL(filePath: path))
      try Data().write(to: URL(filePath: path + ".suspect"))
      let catalogue = try workspace.catalogue()
      #expect(try #require(catalogue.rescue?.shares) >= least, "\(length)")
      try catalogue.inspect()
      catalogue.close()
    }
    // The rest of the first page: the header is intact.
    for start in [100, 500, 2_000] {
      try? FileManager.default.removeItem(atPath: workspace.state + "/catalogue.sqlite.damaged-1")
      var bytes = whole
      bytes.replaceSubrange(start..<page, with: Data(count: page - start))
      try bytes.write(to: URL(filePath: path))
      try Data().write(to: URL(filePath: path + ".suspect"))
      let catalogue = try workspace.catalogue()
      #expect(try catalogue.totals().documents == Int64(count), "\(start)")
      catalogue.close()
    }
  }

  /// Rows that were committed last are in the journal only.
  @Test func `lost first page loses nothing of the journal`() throws {
    let path = workspace.state + "/catalogue.sqlite"
    let copies = ["", "-wal"].map { workspace.path + "/copy" + $0 }
    do {
      let catalogue = try workspace.catalogue()
      let file = try FileHasher(layers: catalogue.layers).hash(workspace.file("a", pattern(40_000)))
      try catalogue.add((0..<20).map { share(file, as: "file/\($0)") }, hashed: [file])
      for (suffix, copy) in zip(["", "-wal"], copies) {
        try FileManager.default.copyItem(atPath: path + suffix, toPath: copy)
      }
      catalogue.close()
    }
    for (suffix, copy) in zip(["", "-wal"], copies) {
      try? FileManager.default.removeItem(atPath: path + suffix)
      try FileManager.default.copyItem(atPath: copy, toPath: path + suffix)
    }
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.write(contentsOf: Data(count: 4_096))
    try handle.close()
    try Data().write(to: URL(filePath: path + ".suspect"))
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.totals().documents == 20)
  }

  @Test(arguments: ["", "-wal", "-shm"]) func `what is no file is named and not followed`(suffix: String) throws {
    do { try workspace.catalogue().close() }
    let path = workspace.state + "/catalogue.sqlite" + suffix
    let elsewhere = workspace.path + "/elsewhere"
    for make in [{ symlink(elsewhere, path) }, { mkfifo(path, 0o600) }, { mkdir(path, 0o700) }] {
      unlink(path)
      #expect(make() == 0)
      let error = #expect(throws: StoreError.self) { try workspace.catalogue() }
      #expect(error?.subject == path && error?.reason.contains("move it away") == true)
    }
    #expect(!FileManager.default.fileExists(atPath: elsewhere))
  }

  /// A process can be killed between any two steps of the replacement.
  @Test(arguments: ["complete", "linked", "unfinished"]) func `an interrupted rescue is continued`(step: String) throws
  {
    _ = try addShares(3)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET state = 9 WHERE key = 'file/1'") }
    let path = workspace.state + "/catalogue.sqlite"
    try Data().write(to: URL(filePath: path + ".suspect"))
    do {
      // The finished rescue, taken back as far as the step.
      let catalogue = try workspace.catalogue()
      #expect(catalogue.rescue?.shares == 2)
      catalogue.close()
    }
    let files = FileManager.default
    switch step {
    case "complete", "linked":
      try files.moveItem(atPath: path, toPath: path + ".rescued")
      try files.moveItem(atPath: path + ".damaged-1", toPath: path)
      if step == "linked" { #expect(link(path, path + ".damaged-1") == 0) }
    default:
      try files.removeItem(atPath: path)
      try files.moveItem(atPath: path + ".damaged-1", toPath: path)
      try Data(pattern(5_000)).write(to: URL(filePath: path + ".rescuing"))
      try Data().write(to: URL(filePath: path + ".suspect"))
    }
    let catalogue = try workspace.catalogue()
    #expect(catalogue.rescue?.aside == path + ".damaged-1")
    let keys = try catalogue.page(limit: 10).map(\.key.text)
    #expect(keys == ["file/0", "file/2"])
    for suffix in [".rescued", ".rescuing", ".suspect", ".damaged-2"] {
      #expect(!files.fileExists(atPath: path + suffix), "\(suffix)")
    }
  }

  @Test(arguments: ["leaves = x''", "leaves = x'00'", "leaves = zeroblob(96)", "leaves = zeroblob(128)"])
  func `damaged leaves in the database are removed and hashed again`(change: String) throws {
    let file = try addShares(1)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE layer SET \(change)") }
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.hasLeaves(of: file.content), "not read yet")
    #expect(try catalogue.tree(of: file.content) == nil)
    #expect(try !catalogue.hasLeaves(of: file.content))
    #expect(try catalogue.content(of: file.fingerprint) == nil, "a content without leaves cannot be proven")
    try catalogue.remember([FileHasher(layers: catalogue.layers).hash(file.path)])
    #expect(try catalogue.tree(of: file.content) != nil)
    #expect(try catalogue.content(of: file.fingerprint) == file.content)
  }

  @Test(arguments: ["root = x'00'", "root = x''"]) func `damaged hash is not found by its fingerprint`(change: String)
    throws
  {
    let file = try addShares(1)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE hashed SET \(change)") }
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.contents(of: [file.fingerprint]) == [nil])
    try catalogue.collectUnused()
    #expect(try catalogue.totals().documents == 1)
  }

  @Test func `missing table is a failure, not damage`() throws {
    _ = try addShares(1)
    try workspace.withDatabase { try $0.execute(sql: "DROP TABLE setting") }
    let catalogue = try workspace.catalogue()
    #expect(code { try catalogue.setting("index") } == .catalogueFailed)
    #expect(try catalogue.totals().documents == 1)
  }

  @Test func `directory in place of the database is a failure that removes nothing`() throws {
    let path = workspace.state + "/catalogue.sqlite"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    #expect(code { try workspace.catalogue() } == .catalogueFailed)
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test(arguments: ["file", "fifo", "dangling link", "loop"])
  func `what is no directory of layers is moved aside`(kind: String) throws {
    _ = try addShares(1)
    let path = workspace.state + "/layers"
    try FileManager.default.removeItem(atPath: path)
    switch kind {
    case "file": try Data([1]).write(to: URL(filePath: path))
    case "fifo": #expect(mkfifo(path, 0o600) == 0)
    case "dangling link": #expect(symlink("nowhere", path) == 0)
    default: #expect(symlink("layers", path) == 0)
    }
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.totals().documents == 1)
    _ = try catalogue.layers.draft(size: 100 << 20)
    var status = stat()
    #expect(lstat(path + ".aside", &status) == 0)
  }

  @Test func `directory in place of the lock is named`() throws {
    try FileManager.default.createDirectory(atPath: workspace.state + "/lock", withIntermediateDirectories: true)
    let error = #expect(throws: StoreError.self) { try workspace.catalogue() }
    #expect(error?.subject == workspace.state + "/lock" && error?.reason.contains("move it away") == true)
  }

  @Test func `lock file that is a link is refused`() throws {
    try FileManager.default.createDirectory(atPath: workspace.state, withIntermediateDirectories: true)
    let victim = try workspace.file("victim", [7])
    try FileManager.default.createSymbolicLink(atPath: workspace.state + "/lock", withDestinationPath: victim)
    #expect(code { try workspace.catalogue() } == .catalogueFailed)
    #expect(try Data(contentsOf: URL(filePath: victim)) == Data([7]))
  }

  @Test func `change of a replaced database is refused`() throws {
    let catalogue = try workspace.catalogue()
    let file = try FileHasher(layers: catalogue.layers).hash(workspace.file("a", pattern(10)))
    try catalogue.add([share(file, as: "file/x")], hashed: [file])
    #expect(unlink(workspace.state + "/catalogue.sqlite") == 0)
    #expect(code { try catalogue.add([share(file, as: "file/y")]) } == .catalogueFailed)
  }
}
