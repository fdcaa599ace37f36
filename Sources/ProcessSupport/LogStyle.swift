// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON

/// Which messages a process logs, and in which form: `level` and `format` of `[log]` in the configuration. The supervisor
/// passes them to its children in the environment; a process that is started by hand reads the same variables.
package struct LogStyle: Sendable, Hashable {
  /// In the order of severity.
  package enum Level: String, Sendable, CaseIterable, Comparable {
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    private var severity: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: Level, right: Level) -> Bool { left.severity < right.severity }
  }

  package enum Format: String, Sendable, CaseIterable {
    /// `2026-01-02T03:04:05Z info listens at 127.0.0.1:7734`
    case text
    /// `{"time":"2026-01-02T03:04:05Z","level":"info","message":"listens at 127.0.0.1:7734"}`
    case json
  }

  package static let levelVariable = "P2P_LOG_LEVEL"
  package static let formatVariable = "P2P_LOG_FORMAT"
  /// Bytes of a line with its newline. A supervisor can add the name of the process and still write it without blocking.
  package static let maxLine = StandardError.maxWrite - 64

  /// Less severe messages are dropped.
  package var level: Level
  package var format: Format

  package init(level: Level = .info, format: Format = .text) {
    self.level = level
    self.format = format
  }

  /// Unknown values count as unset: a log must not keep a process from starting.
  package init(environment: [String: String]) {
    self.init(
      level: environment[Self.levelVariable].flatMap(Level.init(rawValue:)) ?? .info,
      format: environment[Self.formatVariable].flatMap(Format.init(rawValue:)) ?? .text)
  }

  package var environment: [String: String] {
    [Self.levelVariable: level.rawValue, Self.formatVariable: format.rawValue]
  }

  /// One line with its newline, at most `maxLine` bytes. The message may contain text from strangers, so it is escaped: it
  /// stays one line and cannot drive a terminal.
  package func line(_ message: String, _ level: Level, at time: Timestamp) -> [UInt8] {
    let message = TextRules.escapedForTerminal(message)
    switch format {
    case .text: return Self.cut(Array("\(time.text) \(level.rawValue) \(message)\n".utf8), to: Self.maxLine)
    case .json:
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("time", time.text)
      writer.member("level", level.rawValue)
      // A quotation mark or backslash takes two bytes; the rest of the line less than a hundred.
      let text = Self.cut(Array(message.utf8), to: (Self.maxLine - 100) / 2)
      writer.member("message", String(decoding: text, as: UTF8.self))
      writer.endObject()
      writer.endLine()
      return writer.bytes
    }
  }

  /// Shortens a text that is too long, between two characters; keeps a newline at its end.
  package static func cut(_ text: [UInt8], to limit: Int) -> [UInt8] {
    guard text.count > limit else { return text }
    let mark = Array((text.last == UInt8(ascii: "\n") ? "…\n" : "…").utf8)
    // Bytes that continue a character are 10xxxxxx.
    let end = text[..<max(limit - mark.count + 1, 0)].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
    return text[..<end] + mark
  }
}
