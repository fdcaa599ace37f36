// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import WireProtocol

/// The line of a running `get` on a terminal: key, bar, share, state or time left, rate, sources and amount.
package struct DownloadLine {
  /// Earlier estimates jump.
  private static let estimateDelay = Duration.seconds(1)
  /// Time without a byte before the line says so.
  private static let stallDelay = Duration.seconds(3)
  private static let bar = 10...40
  private static let gap = "  "
  /// Leaves room for the ^C that a terminal echoes: a wrapped line could not be cleared.
  private static let margin = 3

  private let label: String
  private let start: ContinuousClock.Instant
  /// What is shown, and when its bytes changed.
  private var current: DownloadProgress?
  private var lastGain: ContinuousClock.Instant

  /// - Parameter label: the key, which is escaped here.
  package init(label: String, start: ContinuousClock.Instant) {
    self.label = TextRules.escapedForTerminal(label)
    self.start = start
    lastGain = start
  }

  /// - Parameter width: of the terminal now, in cells.
  package mutating func update(_ progress: DownloadProgress, width: Int, now: ContinuousClock.Instant) -> String {
    if progress.received != current?.received || progress.state != current?.state || progress.rate > 0 {
      lastGain = now
    }
    current = progress
    return text(width: width, now: now)
  }

  /// The line after a second without news: with the width of now.
  package func repeated(width: Int, now: ContinuousClock.Instant) -> String {
    text(width: width, now: now)
  }

  private func text(width: Int, now: ContinuousClock.Instant) -> String {
    Self.text(
      label, current, width: max(width - Self.margin, 1), hasEstimate: now - start >= Self.estimateDelay,
      isStalled: now - lastGain >= Self.stallDelay)
  }

  /// At most `width` cells.
  /// - Parameters:
  ///   - progress: `nil` before the daemon has reported any.
  ///   - hasEstimate: whether to show the remaining time.
  package static func text(
    _ label: String, _ progress: DownloadProgress?, width: Int, hasEstimate: Bool = true, isStalled: Bool = false
  ) -> String {
    let parts = parts(progress, hasEstimate: hasEstimate, isStalled: isStalled)
    // A long name gives way to the figures, but not beyond recognition.
    let least = min(CellWidth.of(label), max(8, width / 8))
    var shown = [String]()
    var room = width - least
    for part in parts {
      guard CellWidth.of(part) + gap.count <= room else { break }
      shown.append(part)
      room -= CellWidth.of(part) + gap.count
    }
    if shown.isEmpty, let first = parts.first { return CellWidth.cut(first, to: width) }
    let name = CellWidth.cutAtStart(label, to: least + room)
    room -= CellWidth.of(name) - least
    guard let progress, progress.size > 0, room >= bar.lowerBound + gap.count + 2 else {
      return ([name] + shown).joined(separator: gap)
    }
    let cells = min(room - gap.count - 2, bar.upperBound)
    let filled = Int(share(of: progress) * Double(cells))
    let drawn = "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: cells - filled) + "]"
    return ([name, drawn] + shown).joined(separator: gap)
  }

  private static func share(of progress: DownloadProgress) -> Double {
    guard progress.size > 0 else { return 0 }
    return Double(min(max(progress.received, 0), progress.size)) / Double(progress.size)
  }

  /// In the order of what can be missed: a narrow terminal shows the first ones.
  private static func parts(_ progress: DownloadProgress?, hasEstimate: Bool, isStalled: Bool) -> [String] {
    guard let progress else { return ["looking for holders"] }
    var parts = [String]()
    let isKnown = progress.size > 0
    if isKnown {
      let percent = String(Int(share(of: progress) * 100))
      parts.append(String(repeating: " ", count: 3 - min(3, percent.utf8.count)) + percent + "%")
    }
    if let state = state(of: progress) {
      parts.append(state)
    } else if progress.rate > 0 {
      if hasEstimate, let eta = progress.eta { parts.append("\(Quantity.clock(eta)) left") }
      parts.append(Quantity.rate(progress.rate, seconds: 1))
      if let sources = sources(of: progress) { parts.append(sources) }
    } else if isStalled {
      parts.append("stalled")
    }
    if isKnown { parts.append(Quantity.amount(progress.received, of: progress.size)) }
    if let have = progress.have {
      parts.insert(progress.documents.map { "\(have) of \($0) documents" } ?? "\(have) documents so far", at: 0)
      parts.append(Quantity.size(progress.received))
    }
    return parts
  }

  /// `nil` while it is fetched.
  private static func state(of progress: DownloadProgress) -> String? {
    switch progress.state {
    case "active": progress.activity.map(TextRules.escapedForTerminal)
    case "waiting": "waiting for a holder"
    default: TextRules.escapedForTerminal(progress.state)
    }
  }

  private static func sources(of progress: DownloadProgress) -> String? {
    switch progress.sources {
    case ..<1: nil
    case 1: progress.peer.map { "from \(TextRules.escapedForTerminal($0))" }
    default: "from \(progress.sources) sources"
    }
  }
}

extension Console {
  /// `nil` if standard error is not a terminal that can overwrite a line.
  /// - Parameter label: a key or a prefix.
  func downloadLine(of label: String) -> DownloadLine? {
    terminal.isErrors && !terminal.isDumb ? DownloadLine(label: label, start: now()) : nil
  }

  func show(_ progress: DownloadProgress, on line: inout DownloadLine?) {
    if let text = line?.update(progress, width: terminalWidth(), now: now()) { draw(text) }
  }

  /// Draws the line again during a wait.
  func redraw(_ line: DownloadLine?) {
    if let text = line?.repeated(width: terminalWidth(), now: now()) { draw(text) }
  }
}
