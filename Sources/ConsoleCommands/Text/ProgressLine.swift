// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// A terminal line that is overwritten as work proceeds: label, bar, amount, rate and remaining time.
package struct ProgressLine {
  /// Minimum time between two updates.
  package static let interval = Duration.milliseconds(100)
  /// Seconds before a remaining time is shown; earlier estimates jump.
  private static let estimateDelay = 1.0
  /// The rate is that of this time.
  private static let rateWindow = Duration.seconds(5)
  private static let maxSamples = 64
  /// Seconds without progress before the line says so.
  private static let stallDelay = 3.0

  /// Leaves room for the ^C that a terminal echoes: a wrapped line could not be cleared.
  private static let margin = 3

  private let start: ContinuousClock.Instant
  private var lastShown: ContinuousClock.Instant?
  /// Earlier amounts, oldest first.
  private var samples: [(time: ContinuousClock.Instant, done: Int64)] = []
  /// What is shown.
  private var current: (label: String, done: Int64, total: Int64)?

  package init(start: ContinuousClock.Instant) {
    self.start = start
  }

  /// The new line; `nil` if the last update was less than `interval` ago.
  /// - Parameter width: of the terminal now, in cells.
  package mutating func update(label: String, done: Int64, total: Int64, width: Int, now: ContinuousClock.Instant)
    -> String?
  {
    current = (label, done, total)
    let isFinished = done >= total
    if let lastShown, now - lastShown < Self.interval, !isFinished { return nil }
    lastShown = now
    // Another file begins anew.
    if let last = samples.last, done < last.done { samples = [] }
    samples.append((now, done))
    samples.removeAll { now - $0.time > Self.rateWindow }
    if samples.count > Self.maxSamples { samples.removeFirst() }
    let first = samples.first ?? (now, done)
    return Self.line(
      label: label, done: done, total: total, gained: done - first.done, elapsed: Self.seconds(now - first.time),
      showsEstimate: Self.seconds(now - start) >= Self.estimateDelay, width: max(20, width) - Self.margin)
  }

  /// The line after a while without progress: with the rate and the width of now. `nil` if there is nothing to wait for.
  package mutating func repeated(width: Int, now: ContinuousClock.Instant) -> String? {
    guard let current, current.done < current.total else { return nil }
    return update(label: current.label, done: current.done, total: current.total, width: width, now: now)
  }

  /// The line itself, at most `width` cells wide.
  /// - Parameters:
  ///   - gained: bytes of the last `elapsed` seconds, which give the rate.
  ///   - showsEstimate: whether to show the remaining time.
  package static func line(
    label: String, done: Int64, total: Int64, gained: Int64, elapsed: Double, showsEstimate: Bool, width: Int
  ) -> String {
    let done = min(max(done, 0), max(total, 0))
    let share = total > 0 ? Double(done) / Double(total) : 1
    let rate = elapsed > 0 ? Double(gained) / elapsed : 0
    let percent = String(Int(share * 100))
    let figures = String(repeating: " ", count: 3 - min(3, percent.utf8.count)) + percent + "%"
    // In the order of what can be missed: a narrow terminal shows the first ones.
    var parts = [figures]
    if rate > 0, done < total, showsEstimate { parts.append("\(Quantity.duration(Double(total - done) / rate)) left") }
    if rate > 0 { parts.append(Quantity.rate(gained, seconds: elapsed)) }
    if gained == 0, done < total, elapsed >= stallDelay { parts.append("stalled") }
    parts.append("\(Quantity.size(done)) of \(Quantity.size(total))")
    let label = CellWidth.cut(TextRules.escapedForTerminal(label), to: max(8, width / 3))
    let room = width - CellWidth.of(label) - 2
    while parts.count > 1, CellWidth.of(parts.joined(separator: "  ")) > room { parts.removeLast() }
    let text = parts.joined(separator: "  ")
    let cells = min(room - CellWidth.of(text) - 4, 40)
    guard cells >= 5 else { return CellWidth.cut("\(label)  \(text)", to: width) }
    let filled = Int(share * Double(cells))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: cells - filled)
    return "\(label)  [\(bar)]  \(text)"
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }
}

/// The line at the end of a terminal's output that is overwritten or cleared before anything else is written.
package struct OverwrittenLine {
  /// Of the line on the screen; 0 if there is none.
  private var cells = 0

  package init() {}

  var isEmpty: Bool { cells == 0 }

  /// The text that puts a line in the place of the last one.
  /// - Parameter width: of the terminal now, in cells.
  package mutating func replace(with text: String, width: Int) -> String {
    defer { cells = CellWidth.of(text) }
    return clear(width: width) + text
  }

  /// The text that removes the line; empty if there is none.
  ///
  /// A terminal that became narrower has wrapped the line. Each row is cleared by itself: clearing to the end of the screen
  /// makes some terminals copy it into their history.
  package mutating func clear(width: Int) -> String {
    guard cells > 0 else { return "" }
    let rowsAbove = (cells - 1) / max(width, 1)
    cells = 0
    return "\r\u{1B}[K" + String(repeating: "\u{1B}[A\u{1B}[K", count: rowsAbove)
  }
}

extension Console {
  /// `nil` if standard error is not a terminal that can overwrite a line.
  func progressLine() -> ProgressLine? {
    terminal.isErrors && !terminal.isDumb ? ProgressLine(start: now()) : nil
  }

  func show(_ line: inout ProgressLine?, label: String, done: Int64, total: Int64) {
    let text = line?.update(label: label, done: done, total: total, width: terminalWidth(), now: now())
    if let text { draw(text) }
  }

  /// Draws the line again during a wait.
  func redraw(_ line: inout ProgressLine?) {
    guard let text = line?.repeated(width: terminalWidth(), now: now()) else { return }
    draw(text)
  }
}
