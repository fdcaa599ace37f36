// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
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

  @Test(arguments: damages) func `one row with an invalid column is found by the check and moved aside`(change: String)
    throws
  {
    _ = try addShares(3)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET \(change) WHERE key = 'file/1'") }
    let reports = Mutex(0)
    do {
      let catalogue = try Catalogue(directory: workspace.state, damaged: { reports.withLock { $0 += 1 } })
      #expect(catalogue.movedAside == nil, "nothing is suspected yet")
      #expect(try catalogue.shares(under: key("file/0")).count == 1, "other rows are served")
      #expect(code { try catalogue.inspect() } == .catalogueDamaged)
      #expect(reports.withLock { $0 } == 1)
    }
    let catalogue = try workspace.catalogue()
    #expect(catalogue.movedAside?.hasSuffix(".damaged-1") == true)
    #expect(try catalogue.page(limit: 10).isEmpty)
  }

  @Test func `damage met by a lookup is reported and checked at the next start`() throws {
    _ = try addShares(2)
    try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET state = 9 WHERE key = 'file/1'") }
    let reports = Mutex(0)
    do {
      let catalogue = try Catalogue(directory: workspace.state, damaged: { reports.withLock { $0 += 1 } })
      #expect(code { try catalogue.shares(under: key("file/1")) } == .catalogueDamaged)
      #expect(code { try catalogue.page(limit: 10) } == .catalogueDamaged)
      #expect(reports.withLock { $0 } == 2)
    }
    #expect(try workspace.catalogue().movedAside != nil)
  }

  @Test func `each damaged database gets its own name`() throws {
    for number in 1...3 {
      _ = try addShares(1)
      try workspace.withDatabase { try $0.execute(sql: "UPDATE share SET state = 9") }
      try Data().write(to: URL(filePath: workspace.state + "/catalogue.sqlite.suspect"))
      let catalogue = try workspace.catalogue()
      #expect(catalogue.movedAside?.hasSuffix("/catalogue.sqlite.damaged-\(number)") == true)
      catalogue.close()
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

  @Test func `lock file that is a link is refused`() throws {
    try FileManager.default.createDirectory(atPath: workspace.state, withIntermediateDirectories: true)
    let victim = try workspace.file("victim", [7])
    try FileManager.default.createSymbolicLink(atPath: workspace.state + "/lock", withDestinationPath: victim)
    #expect(code { try workspace.catalogue() } == .cannotCreate)
    #expect(try Data(contentsOf: URL(filePath: victim)) == Data([7]))
  }
}
