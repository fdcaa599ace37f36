// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Testing
import WireProtocol

@Suite struct TransferScreenTests {
  private static let digest = Digest(bytes: [UInt8](repeating: 0x1C, count: 32)) ?? .zero

  private func source(_ name: String, rate: Int64 = 0, bytes: Int64 = 0, error: String? = nil) -> RunningTransfer.Source
  {
    .init(name: name, id: PeerID(digest: Self.digest), host: "192.0.2.1", rate: rate, bytes: bytes, error: error)
  }

  private func download(
    _ id: Int64, _ state: String = "active", _ key: String = "file/image.iso", sources: Int = 0
  ) throws -> RunningTransfer {
    var row = RunningTransfer(
      id: id, direction: .download, state: state, key: try DocumentKey(key),
      content: Content(root: Self.digest, size: 1 << 20), received: 1 << 19)
    (row.pieces, row.have) = (4, 2)
    var map = PieceSet(count: 4)
    map.insert(0..<2)
    row.map = map
    if state == "active" { (row.rate, row.eta) = (1 << 17, 4) }
    if sources > 0 { row.sources = (1...sources).map { source("peer\($0)", rate: Int64($0) << 10, bytes: 1 << 10) } }
    return row
  }

  private func upload(_ id: Int64, to name: String = "carol") throws -> RunningTransfer {
    RunningTransfer(
      id: 1_000_000 + id, direction: .upload, key: try DocumentKey("file/up"),
      content: Content(root: Self.digest, size: 1 << 20), received: 1 << 10, rate: 2 << 10, sources: [source(name)])
  }

  private func counts(_ rows: [RunningTransfer], queued: Int = 0) -> TransferCounts {
    var counts = TransferCounts()
    counts.active = rows.count { $0.direction == .download && $0.state == "active" }
    counts.paused = rows.count { $0.state == "paused" }
    counts.waiting = rows.count { $0.state == "waiting" }
    counts.queued = rows.count { $0.state == "queued" } + queued
    counts.uploads = rows.count { $0.direction == .upload }
    (counts.down, counts.up) = (3 << 20, 5 << 10)
    return counts
  }

  private func lines(
    _ rows: [RunningTransfer], columns: Int = 80, height: Int = 24, queued: Int = 0
  ) -> [String] {
    TransferScreen(rows, counts: counts(rows, queued: queued), glyphs: .ascii).lines(columns: columns, rows: height)
  }

  @Test func `download has a map and its sources, the fastest first`() throws {
    #expect(
      lines([try download(7, sources: 2), try download(9, "paused"), try upload(1)]) == [
        "down 3.0 MiB/s  up 5.0 KiB/s  1 active  1 paused  1 upload",
        "ID  STATE   DONE     SIZE         RATE  LEFT  WHAT",
        " 7  active   50%  1.0 MiB  128.0 KiB/s   4 s  file/image.iso",
        "  [##  ]",
        "  peer2  2.0 KiB/s  1.0 KiB",
        "  peer1  1.0 KiB/s  1.0 KiB",
        " 9  paused   50%  1.0 MiB            -     -  file/image.iso",
        "  [##  ]",
        "  UPLOAD TO     SENT     SIZE       RATE  WHAT",
        "  carol      1.0 KiB  1.0 MiB  2.0 KiB/s  file/up",
      ])
  }

  @Test func `forty columns keep the name, the share and the rate`() throws {
    #expect(
      lines([try download(7, sources: 1), try upload(1)], columns: 40) == [
        "down 3.0 MiB/s  up 5.0 KiB/s  1 active …",
        "ID  STATE   DONE         RATE  WHAT",
        " 7  active   50%  128.0 KiB/s  file/ima…",
        "  [##  ]",
        "  peer1  1.0 KiB/s  1.0 KiB",
        "  UPLOAD TO     SENT       RATE  WHAT",
        "  carol      1.0 KiB  2.0 KiB/s  file/up",
      ])
  }

  @Test func `tree counts documents`() throws {
    var tree = try download(3)
    (tree.key, tree.prefix, tree.content, tree.map) = (nil, "data/cats/", nil, nil)
    (tree.pieces, tree.have, tree.size, tree.activity) = (300, 150, nil, "checking")
    let shown = lines([tree])
    #expect(shown[2].contains(" 3  checking  150/300     -") && shown[2].hasSuffix("data/cats/"))
    #expect(shown[3].hasPrefix("  [####") && shown[3].hasSuffix(" ]") && CellWidth.of(shown[3]) == 80)
  }

  @Test func `liar is shown with a download that waits`() throws {
    var row = try download(1, "waiting")
    row.error = "no source of file/x answers"
    row.sources = [source("honest", bytes: 5), source("eve", bytes: 9, error: "sent wrong bytes: block 3")]
    let shown = lines([row]).joined(separator: "\n")
    #expect(shown.contains("  no source of file/x answers\n"))
    #expect(shown.contains("  eve  0 B/s  9 B  sent wrong bytes: block 3") && !shown.contains("honest"))
  }

  @Test func `what does not fit is counted`() throws {
    let rows =
      try (1...3).map { try download($0, sources: 20) } + (4...30).map { try download($0, "queued") }
      + (1...5).map { try upload($0) }
    let shown = lines(rows, height: 24, queued: 9_000)
    #expect(shown.count <= 24)
    #expect(shown.last?.hasPrefix("and 90") == true && shown.last?.contains(" queued") == true, "\(shown)")
    for id in 1...3 { #expect(shown.contains { $0.hasPrefix(" \(id)  active") }) }
    #expect(shown.count { $0 == "  [##  ]" } == 3 && shown.contains { $0.contains("carol") })
    let large = lines(rows, height: 40, queued: 9_000)
    #expect(large.count { $0.contains("peer20") } == 3 && large.count { $0 == "  and 17 more sources" } == 3)
    let small = lines(rows, height: 8, queued: 9_000)
    #expect(
      small.count <= 8 && small.contains { $0.hasPrefix(" 1  active") } && !small.contains { $0.contains("peer") })
    #expect(small.last?.hasPrefix("and ") == true)
  }

  @Test func `ten sources more than fit are counted`() throws {
    let shown = lines([try download(1, sources: 26)], height: 40)
    #expect(shown.last == "  and 10 more sources")
  }

  @Test func `screen fits every size`() throws {
    var rows =
      try (1...4).map { try download($0, sources: Int($0) * 5) } + [try download(5, "paused")]
      + (6...9).map { try download($0, "queued") } + (1...3).map { try upload($0) }
    rows[0].sources[0].name = String(repeating: "n", count: 300)
    rows[1].sources[0].name = "日本語の名前はとても長くて端末の幅に収まりません"
    rows[1].sources[0].error = "sent wrong bytes: \u{1B}[2J\r\n" + String(repeating: "e", count: 300)
    rows[2].key = try DocumentKey("data/日本語の題名はとても長くて端末の幅に収まりません/x")
    rows[3].error = "line\nbreak\u{9B}"
    rows[3].activity = "\u{1B}[2J"
    rows += [try upload(4, to: "evil\u{1B}[2J\r\n")]
    for columns in [1, 2, 5, 10, 20, 39, 40, 41, 80, 200] {
      for height in [1, 2, 3, 4, 5, 8, 13, 24, 60] {
        let shown = lines(rows, columns: columns, height: height, queued: 99)
        #expect(shown.count <= height, "\(columns) x \(height)")
        for line in shown {
          #expect(CellWidth.of(line) <= columns, "\(columns) x \(height): \(line)")
          #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
      }
    }
  }

  @Test func `nothing is shown as such`() {
    #expect(
      TransferScreen([], counts: TransferCounts()).lines(columns: 80, rows: 24)
        == ["down 0 B/s  up 0 B/s", "No active transfers."])
  }
}
