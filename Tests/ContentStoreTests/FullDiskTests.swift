// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import Glibc
import TestSupport
import Testing

/// A state directory on a small file system of its own.
@Suite(.serialized) struct FullDiskTests {
  private func shares(_ range: Range<Int>) throws -> [Share] {
    let root = try #require(Digest(bytes: [UInt8](repeating: 7, count: 32)))
    return try range.map { number in
      Share(
        document: Document(
          key: try DocumentKey("file/\(number)"), title: Title(normalizing: "number \(number)"),
          content: try #require(Content(root: root, size: 1)),
          modified: Timestamp(seconds: 1)),
        path: "/files/\(number)", origin: .added,
        fingerprint: FileFingerprint(device: 1, inode: UInt64(number), size: 1, modified: 1, changed: 1))
    }
  }

  @Test(.enabled("needs the right to mount") { SmallDisk.canMount })
  func `documents can be removed on a full disk`() throws {
    let disk = try SmallDisk()
    let catalogue = try Catalogue(directory: disk.path + "/state")
    try catalogue.add(try shares(0..<300))
    try disk.fill()
    let refusal = #expect(throws: StoreError.self) {
      for number in 0..<100 { try catalogue.set("setting \(number)", to: String(repeating: "x", count: 50_000)) }
    }
    #expect(refusal?.code == .noSpace)
    let message = "\(try #require(refusal))"
    #expect(message.contains(disk.path + "/state/catalogue.sqlite: no space on its file system: 0 bytes are free"))
    #expect(message.contains("4194304 are needed. Free some space there"))
    for number in 0..<300 { #expect(try catalogue.remove(try DocumentKey("file/\(number)")).count == 1) }
    #expect(try catalogue.totals().documents == 0)
    catalogue.close()
    // And after a restart, with what the journal has given back.
    let again = try Catalogue(directory: disk.path + "/state")
    #expect(try again.totals().documents == 0)
    again.close()
  }

  @Test(.enabled("needs the right to mount") { SmallDisk.canMount })
  func `a start on a full disk uses the reserve`() throws {
    let disk = try SmallDisk()
    do {
      let catalogue = try Catalogue(directory: disk.path + "/state")
      try catalogue.add(try shares(0..<20))
      catalogue.close()
    }
    try disk.fill()
    let catalogue = try Catalogue(directory: disk.path + "/state")
    #expect(try catalogue.totals().documents == 20)
    #expect(try catalogue.remove(try DocumentKey("file/7")).count == 1)
    disk.free()
    try catalogue.add(try shares(20..<40))
    #expect(try catalogue.totals().documents == 39)
    catalogue.close()
  }

  @Test(.enabled("needs the right to mount") { SmallDisk.canMount })
  func `an older catalogue waits for the space that its new tables need`() throws {
    let workspace = try Workspace()
    do {
      let catalogue = try workspace.catalogue()
      try catalogue.add(try shares(0..<10_000))
      catalogue.close()
    }
    try workspace.makeSharesOfDocuments()
    let disk = try SmallDisk()
    mkdir(disk.path + "/state", 0o700)
    let database = disk.path + "/state/catalogue.sqlite"
    try FileManager.default.copyItem(atPath: workspace.state + "/catalogue.sqlite", toPath: database)
    var status = stat()
    try #require(stat(database, &status) == 0)
    try disk.fill()
    // It can be opened.
    try #require(truncate(disk.path + "/ballast", 8 << 20) == 0)
    let refusal = #expect(throws: StoreError.self) { try Catalogue(directory: disk.path + "/state") }
    #expect(refusal?.code == .noSpace)
    #expect(refusal?.description.contains(" \(2 * Int(status.st_size) + (4 << 20)) are needed") == true)
    disk.free()
    let catalogue = try Catalogue(directory: disk.path + "/state")
    #expect(try catalogue.totals().documents == 10_000)
    catalogue.close()
  }

  @Test(.enabled("needs the right to mount") { SmallDisk.canMount })
  func `downloads can be stopped on a full disk`() throws {
    let disk = try SmallDisk()
    let catalogue = try Catalogue(directory: disk.path + "/state")
    var random = SeededGenerator(seed: 1)
    let content = try #require(Content(root: Digest(bytes: random.bytes(32)) ?? .zero, size: 3 << 20))
    let document = Document(
      key: try DocumentKey("file/a"), title: Title(normalizing: "a"), content: content,
      modified: Timestamp(seconds: 1))
    let target = try DownloadTarget(directory: disk.path, name: "a")
    var records = [DownloadRecord]()
    for _ in 0..<3 {
      var record = DownloadRecord(document: document, path: target.path, created: Timestamp(seconds: 1))
      _ = try PieceFile(new: &record, target: target, catalogue: catalogue)
      records.append(record)
    }
    try disk.fill()
    let refusal = #expect(throws: StoreError.self) {
      let file = try PieceFile(resuming: &records[0], target: target, catalogue: catalogue)
      try random.bytes(1 << 18).withUnsafeBytes { try file.write($0, at: 0) }
    }
    #expect(refusal?.code == .noSpace)
    records[0].state = .waiting
    records[0].error = "no space"
    try catalogue.updateDownload(records[0])
    records[1].state = .paused
    try catalogue.updateDownload(records[1])
    #expect(try catalogue.removeDownload(records[2].id))
    #expect(try catalogue.downloads(limit: 9) == Array(records[..<2]))
    disk.free()
    let file = try PieceFile(resuming: &records[0], target: target, catalogue: catalogue)
    try random.bytes(1 << 18).withUnsafeBytes { try file.write($0, at: 0) }
    file.discard()
    catalogue.close()
  }
}
