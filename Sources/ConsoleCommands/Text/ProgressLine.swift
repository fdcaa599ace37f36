// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// A terminal line that is overwritten as work proceeds: label, bar, amount, rate and remaining time.
package struct ProgressLine {
  /// Minimum time between two updates.
  package static let interval = Duration.milliseconds(100)
  /// Seconds before a remaining time is shown; earlier estimates jump.
  private static let estimateDelay = 1.0

  /// Leaves room for the ^C that a terminal echoes: a wrapped line could not be cleared.
  private static let margin = 3

  private let width: Int
  private let start: ContinuousClock.Instant
  private var lastShown: ContinuousClock.Instant?
  private var isShown = false

  /// - Parameter width: of the terminal, in cells.
  package init(width: Int, start: ContinuousClock.Instant) {
    self.width = max(20, width)
    self.start = start
  }

  /// The text that redraws the line; `nil` if the last update was less than `interval` ago.
  package mutating func update(label: String, done: Int64, total: Int64, now: ContinuousClock.Instant) -> String? {
    let isFinished = done >= total
    if let lastShown, now - lastShown < Self.interval, !isFinished { return nil }
    lastShown = now
    isShown = true
    let text = Self.line(
      label: label, done: done, total: total, elapsed: Self.seconds(now - start), width: width - Self.margin)
    return "\r\u{1B}[K" + text
  }

  /// The text that clears the line; empty if none is shown.
  package mutating func clear() -> String {
    defer { isShown = false }
    return isShown ? "\r\u{1B}[K" : ""
  }

  /// The line itself, at most `width` cells wide.
  package static func line(label: String, done: Int64, total: Int64, elapsed: Double, width: Int) -> String {
    let done = min(max(done, 0), max(total, 0))
    let share = total > 0 ? Double(done) / Double(total) : 1
    let rate = elapsed > 0 ? Double(done) / elapsed : 0
    let percent = String(Int(share * 100))
    var figures = String(repeating: " ", count: 3 - min(3, percent.utf8.count)) + percent + "%  "
    figures += "\(Quantity.size(done)) of \(Quantity.size(total))"
    if rate > 0 { figures += "  \(Quantity.rate(done, seconds: elapsed))" }
    if rate > 0, done < total, elapsed >= estimateDelay {
      figures += "  \(Quantity.duration(Double(total - done) / rate)) left"
    }
    let label = CellWidth.cut(TextRules.escapedForTerminal(label), to: max(8, width / 3))
    let room = width - CellWidth.of(label) - CellWidth.of(figures) - 6
    guard room >= 5 else { return CellWidth.cut("\(label)  \(figures)", to: width) }
    let cells = min(room, 40)
    let filled = Int(share * Double(cells))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: cells - filled)
    return "\(label)  [\(bar)]  \(figures)"
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }
}

extension Console {
  /// `nil` if standard error is not a terminal.
  func progressLine() -> ProgressLine? {
    terminal.isErrors ? ProgressLine(width: terminal.columns, start: now()) : nil
  }

  func show(_ line: inout ProgressLine?, label: String, done: Int64, total: Int64) {
    if let text = line?.update(label: label, done: done, total: total, now: now()) { note(text) }
  }

  func clear(_ line: inout ProgressLine?) {
    if let text = line?.clear(), !text.isEmpty { note(text) }
  }
}
