// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Testing
import WireProtocol

@Suite struct DownloadLineTests {
  private static let half = DownloadProgress(
    received: 1 << 29, size: 1 << 30, rate: 10 << 20, eta: 125, sources: 3, peer: "bob")

  private func text(_ progress: DownloadProgress?, width: Int = 77, label: String = "file/ubuntu-24.04.iso") -> String {
    DownloadLine.text(label, progress, width: width)
  }

  @Test func `everything is shown in eighty columns`() {
    #expect(text(Self.half) == "…24.04.iso   50%  2:05 left  10.0 MiB/s  from 3 sources  512.0 MiB of 1.0 GiB")
  }

  @Test func `wide terminal has a bar`() {
    #expect(
      text(Self.half, width: 197)
        == "file/ubuntu-24.04.iso  [####################--------------------]   50%  2:05 left  10.0 MiB/s  "
        + "from 3 sources  512.0 MiB of 1.0 GiB")
  }

  @Test func `narrow terminal keeps share, time and rate`() {
    #expect(text(Self.half, width: 37) == "….04.iso   50%  2:05 left  10.0 MiB/s")
  }

  @Test(arguments: [1, 2, 5, 9, 10, 17, 20, 37, 38, 77, 197])
  func `line is never wider than the terminal`(width: Int) {
    var progress = Self.half
    for label in ["rfc/1", "data/日本語の題名はとても長くて端末の幅に収まりません/x", String(repeating: "x", count: 512), "a\u{1B}[2J"] {
      for state in ["active", "waiting", "paused", "queued", "a state of later with a long name"] {
        for activity in [nil, "checking", "copying", "saving"] {
          for peer in ["bob", String(repeating: "n", count: 400)] {
            for sources in [0, 1, 3, 64] {
              (progress.state, progress.activity, progress.sources, progress.peer) = (state, activity, sources, peer)
              #expect(CellWidth.of(text(progress, width: width, label: label)) <= width)
            }
          }
        }
      }
      #expect(CellWidth.of(text(nil, width: width, label: label)) <= width)
    }
  }

  @Test(
    arguments: [
      ("waiting", nil, "waiting for a holder"), ("paused", nil, "paused"), ("queued", nil, "queued"),
      ("active", "copying", "copying"), ("active", "checking", "checking"), ("active", "saving", "saving"),
    ] as [(String, String?, String)])
  func `state takes the place of the figures`(state: String, activity: String?, shown: String) {
    var progress = Self.half
    (progress.state, progress.activity, progress.rate, progress.eta) = (state, activity, 0, nil)
    let text = text(progress)
    #expect(text.contains("  50%  \(shown)  512.0 MiB of 1.0 GiB") && !text.contains("/s") && !text.contains("from"))
    // Before anything is known of the content.
    (progress.size, progress.received) = (0, 0)
    #expect(self.text(progress) == "file/ubuntu-24.04.iso  \(shown)")
  }

  @Test func `one source is named, harmlessly`() {
    var progress = Self.half
    (progress.sources, progress.peer) = (1, "bob\u{1B}[2J\r")
    #expect(text(progress, width: 197).contains(#"from bob\u{1B}[2J\u{D}"#))
    progress.peer = nil
    #expect(!text(progress, width: 197).contains("from"))
  }

  @Test func `nothing is known at first`() {
    #expect(text(nil) == "file/ubuntu-24.04.iso  looking for holders")
  }

  @Test func `time left is shown after a second, a stall after three`() {
    let start = ContinuousClock.now
    var line = DownloadLine(label: "x", start: start)
    var progress = DownloadProgress(received: 0, size: 1 << 20, rate: 1_024, eta: 900, sources: 1, peer: "bob")
    #expect(!line.update(progress, width: 200, now: start).contains("left"))
    #expect(line.update(progress, width: 200, now: start + .seconds(1)).contains("15:00 left"))
    (progress.rate, progress.sources, progress.eta) = (0, 0, nil)
    #expect(!line.update(progress, width: 200, now: start + .seconds(2)).contains("stalled"))
    #expect(line.update(progress, width: 200, now: start + .seconds(4)).contains("  stalled  "))
    #expect(CellWidth.of(line.repeated(width: 30, now: start + .seconds(5))) <= 27)
    progress.received = 5
    #expect(!line.update(progress, width: 200, now: start + .seconds(6)).contains("stalled"))
  }

  @Test(arguments: [
    (Int64(5), Int64(100), "5 of 100 B"), (5, 1_024, "5 B of 1.0 KiB"), (1 << 20, 3 << 20, "1.0 of 3.0 MiB"),
    (0, 0, "0 of 0 B"),
  ])
  func `amounts of one unit name it once`(part: Int64, whole: Int64, text: String) {
    #expect(Quantity.amount(part, of: whole) == text)
  }

  @Test(arguments: [
    ("abc", 3, "abc"), ("abcd", 3, "…cd"), ("日本", 3, "…本"), ("日本語", 4, "…語"), ("x", 0, ""), ("xy", 1, "…"),
  ])
  func `text is cut at its start`(text: String, cells: Int, cut: String) {
    #expect(CellWidth.cutAtStart(text, to: cells) == cut)
  }
}

@Suite struct PieceMapTests {
  private func set(_ pieces: [Int], of count: Int) -> PieceSet {
    var set = PieceSet(count: count)
    for piece in pieces { set.insert(piece) }
    return set
  }

  @Test func `stretches are as full as they are`() {
    #expect(PieceMap.line(PieceSet(count: 8), cells: 6, glyphs: .ascii) == "[    ]")
    #expect(PieceMap.line(PieceSet(full: 8), cells: 6, glyphs: .ascii) == "[####]")
    #expect(PieceMap.line(set([0, 1, 2, 7], of: 8), cells: 6, glyphs: .ascii) == "[#- -]")
    #expect(PieceMap.line(set([0, 1, 2, 7], of: 8), cells: 6, glyphs: .blocks) == "[█▒ ▒]")
    // Neither one piece nor all but one look like none or all.
    #expect(PieceMap.line(set([5], of: 100), cells: 3, glyphs: .ascii) == "[.]")
    #expect(PieceMap.line(PieceSet(full: 100).subtracting(set([5], of: 100)), cells: 3, glyphs: .ascii) == "[=]")
  }

  @Test(arguments: [0, 1, 2, 3, 10, 40, 5_000])
  func `map fits`(cells: Int) {
    for count in [1, 2, 7, 4_096] {
      let line = PieceMap.line(set([0, count - 1], of: count), cells: cells, glyphs: .blocks)
      #expect(CellWidth.of(line) <= max(min(cells, count + 2), 0))
      #expect(CellWidth.of(PieceMap.line(1, of: Int64(count), cells: cells, glyphs: .ascii)) <= max(cells, 0))
    }
  }

  @Test(
    arguments: [
      (["LANG": "C.UTF-8"], true), (["LANG": "de_DE.utf8"], true), (["LANG": "C"], false), ([:], false),
      (["LC_ALL": "C", "LANG": "C.UTF-8"], false), (["LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"], true),
    ] as [([String: String], Bool)])
  func `locale decides on the characters`(variables: [String: String], isUnicode: Bool) {
    #expect((PieceMap.Glyphs { variables[$0] } == .blocks) == isUnicode)
  }
}
