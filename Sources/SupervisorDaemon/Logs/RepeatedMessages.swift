// SPDX-License-Identifier: Apache-2.0

/// Keeps a message that repeats without end from filling the log: the first few are logged, then one per hour with the number
/// of those left out. A message that was not repeated for a minute counts as new.
package struct RepeatedMessages: Sendable {
  package typealias Instant = SuspendingClock.Instant

  /// Repetitions that are logged as they come.
  package static let unlimited = 3
  package static let gap = Duration.seconds(60)
  package static let interval = Duration.seconds(3_600)
  private static let maxEntries = 256

  private struct Entry {
    var logged = 1
    var leftOut = 0
    var lastSeen: Instant
    var lastLogged: Instant
  }

  private var entries: [String: Entry] = [:]

  package init() {}

  /// The text to log now; `nil` to leave it out.
  package mutating func next(_ message: String, now: Instant) -> String? {
    guard var entry = entries[message], entry.lastSeen.duration(to: now) < Self.gap else {
      entries = entries.filter { $0.value.lastSeen.duration(to: now) < Self.gap }
      // More messages at a time than ever repeat: then none is left out.
      if entries.count < Self.maxEntries { entries[message] = Entry(lastSeen: now, lastLogged: now) }
      return message
    }
    entry.lastSeen = now
    defer { entries[message] = entry }
    if entry.logged < Self.unlimited {
      entry.logged += 1
      entry.lastLogged = now
      return entry.logged < Self.unlimited ? message : "\(message) (logged once per hour while it repeats)"
    }
    guard entry.lastLogged.duration(to: now) >= Self.interval else {
      entry.leftOut += 1
      return nil
    }
    let text = "\(message) (\(entry.leftOut + 1) times since the last of these lines)"
    entry.lastLogged = now
    entry.leftOut = 0
    return text
  }
}
