// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct DownloadRecordTests {
  private let workspace: Workspace
  private let content: Content

  init() throws {
    workspace = try Workspace()
    content = try #require(Content(root: Digest(bytes: [UInt8](repeating: 7, count: 32)) ?? .zero, size: 9))
  }

  private func record(_ path: String = "/a", _ state: DownloadRecord.State = .queued) -> DownloadRecord {
    let document = Document(
      key: key("file/a"), title: Title(normalizing: "A title"), content: content, modified: Timestamp(seconds: 5),
      executable: true)
    var record = DownloadRecord(document: document, path: path, created: Timestamp(seconds: 100))
    record.state = state
    return record
  }

  @Test func `every field survives a restart`() throws {
    var full = record("/downloads/a")
    (full.isShared, full.preserves, full.replacesFile) = (false, false, true)
    (full.isDetached, full.isContentChosen, full.mask) = (true, true, 0o077)
    full.from = PeerID(digest: content.root)
    full.home = .closed(PeerID(digest: content.root))
    full.sources = [
      .init(peer: PeerID(digest: content.root), name: "eve \u{1B}", host: "::1", bytes: 5, error: "sent wrong bytes"),
      .init(peer: PeerID(digest: .zero), name: "bob", host: "192.0.2.1", bytes: 72),
    ]
    (full.state, full.error, full.received) = (.waiting, "no space", 77)
    (full.finished, full.temporary, full.sideFile) = (Timestamp(seconds: 200), "/downloads/.a.x.p2p-part", "download.x")
    var plain = record()
    do {
      let catalogue = try workspace.catalogue()
      full.id = try catalogue.addDownload(full)
      plain.id = try catalogue.addDownload(plain)
      catalogue.close()
    }
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.download(full.id) == full)
    #expect(try catalogue.download(plain.id) == plain)
    for state in DownloadRecord.State.allCases {
      full.state = state
      try catalogue.updateDownload(full)
      #expect(try catalogue.downloads(in: [state]).contains(full))
      #expect(state.hasEnded == [.done, .failed, .cancelled].contains(state))
    }
  }

  @Test func `an older copy of a record does not lose its files`() throws {
    let catalogue = try workspace.catalogue()
    var named = record()
    (named.temporary, named.sideFile) = ("/.a.x.p2p-part", "download.x")
    named.id = try catalogue.addDownload(named)
    var older = named
    (older.temporary, older.sideFile, older.state) = (nil, nil, .paused)
    try catalogue.updateDownload(older)
    named.state = .paused
    #expect(try catalogue.download(named.id) == named)
  }

  @Test func `an id is never used again`() throws {
    let catalogue = try workspace.catalogue()
    let first = try catalogue.addDownload(record())
    #expect(try catalogue.removeDownload(first))
    #expect(try !catalogue.removeDownload(first))
    #expect(try catalogue.addDownload(record()) > first)
    var gone = record()
    gone.id = first
    try catalogue.updateDownload(gone)
    #expect(try catalogue.download(first) == nil, "a removed record does not return")
  }

  @Test func `lists have open downloads first and the latest of the others`() throws {
    let catalogue = try workspace.catalogue()
    let states: [DownloadRecord.State] = [.done, .paused, .failed, .cancelled, .active, .waiting, .done]
    var ids = [Int64]()
    for (index, state) in states.enumerated() { ids.append(try catalogue.addDownload(record("/\(index)", state))) }
    #expect(try catalogue.downloads(limit: 100).map(\.id) == [1, 4, 5, 0, 2, 3, 6].map { ids[$0] })
    #expect(try catalogue.downloads(limit: 4).map(\.id) == [1, 4, 5, 6].map { ids[$0] })
    #expect(try catalogue.downloads(limit: 0).isEmpty)
    #expect(try catalogue.downloads(in: []).isEmpty)
    #expect(try catalogue.downloads(in: [.done, .paused]).map(\.id) == [0, 1, 6].map { ids[$0] })
    #expect(try catalogue.download(of: content, path: "/4")?.id == ids[4])
    #expect(try catalogue.download(of: content, path: "/0") == nil, "done")
    #expect(try catalogue.download(of: .empty, path: "/4") == nil)
  }

  @Test func `old finished downloads are forgotten, with their files`() throws {
    let catalogue = try workspace.catalogue()
    var old = record("/old", .failed)
    old.finished = Timestamp(seconds: 150)
    old.temporary = try workspace.file(".old.x.p2p-part", [1])
    _ = try catalogue.addDownload(old)
    var late = record("/late", .done)
    late.finished = Timestamp(seconds: 250)
    late.id = try catalogue.addDownload(late)
    var paused = record("/paused", .paused)
    paused.id = try catalogue.addDownload(paused)
    #expect(try catalogue.forgetFinishedDownloads(before: Timestamp(seconds: 200)) == 1)
    #expect(try catalogue.downloads(limit: 9) == [paused, late])
    #expect(try catalogue.removeLeftovers() == [old.temporary])
  }

  @Test func `finishing adds share and record at once`() throws {
    let catalogue = try workspace.catalogue()
    var open = record("/a", .active)
    (open.temporary, open.sideFile) = ("/.a.p2p-part", "download.x")
    open.id = try catalogue.addDownload(open)
    (open.state, open.finished, open.received) = (.done, Timestamp(seconds: 300), 9)
    let hashed = try FileHasher(layers: catalogue.layers).hash(try workspace.file("a", [1, 2, 3]))
    try catalogue.add([share(hashed, as: "file/a")], hashed: [hashed], finishing: open)
    (open.temporary, open.sideFile) = (nil, nil)
    #expect(try catalogue.download(open.id) == open)
    #expect(try catalogue.totals().documents == 1)
  }

  @Test func `invalid row is damage, and the others are rescued`() throws {
    var (good, bad) = (record("/good"), record("/bad"))
    bad.temporary = try workspace.file(".bad.x.p2p-part", [1])
    do {
      let catalogue = try workspace.catalogue()
      good.id = try catalogue.addDownload(good)
      bad.id = try catalogue.addDownload(bad)
      catalogue.close()
    }
    try workspace.withDatabase {
      try $0.execute(sql: "UPDATE download SET state = 99 WHERE id = ?", arguments: [bad.id])
    }
    do {
      let catalogue = try workspace.catalogue()
      #expect(code { try catalogue.download(bad.id) } == .catalogueDamaged)
      catalogue.close()
    }
    let catalogue = try workspace.catalogue()
    #expect(catalogue.rescue != nil)
    #expect(try catalogue.downloads(limit: 9) == [good])
    #expect(try catalogue.leftovers() == [bad.temporary])
  }
}
