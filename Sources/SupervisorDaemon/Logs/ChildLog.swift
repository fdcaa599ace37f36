// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
package import ProcessSupport

/// Where the output of one process goes.
package enum LogTarget: Sendable {
  /// Its own file.
  /// - Parameter reader: a user besides the supervisor's who may read it.
  case file(path: String, reader: UInt32? = nil)
  /// Standard error of the supervisor, which the journal or a container's log reads: each line names its process.
  case shared(StandardError)

  /// Where a person finds the lines.
  var hint: String {
    switch self {
    case .file(let path, _): "see \(path)"
    case .shared: "see its lines in this log"
    }
  }
}

/// Takes the lines of one process.
package struct ChildLog: ~Copyable {
  private var file: RotatingLog?
  private var lines: NamedLines
  private let shared: StandardError?

  package init(_ target: LogTarget, name: String) {
    switch target {
    case .file(let path, let reader):
      file = RotatingLog(path: path, reader: reader)
      shared = nil
    case .shared(let output):
      file = nil
      shared = output
    }
    lines = NamedLines(name: name, format: shared?.style.format ?? .text)
  }

  var isShared: Bool { shared != nil }

  package mutating func write(_ bytes: [UInt8]) {
    guard let shared else {
      file?.write(bytes)
      return
    }
    for line in lines.add(bytes) { shared.pass(line) }
  }

  /// The process has ended: writes a last line without an end.
  package mutating func end() {
    guard let shared, let line = lines.end() else { return }
    shared.pass(line)
  }

  /// Opens a new file if the log was moved away.
  package mutating func reopen() {
    file?.close()
  }
}

/// Cuts the output of a process into lines and adds the name of the process to each.
///
/// A line of text gets it in front, `alice: 2026-01-02T03:04:05Z info …`; a line of JSON as its first member. Output that is
/// not of our own logging, such as the report of a crash, becomes a message.
package struct NamedLines: Sendable {
  /// Bytes of a line without its name and newline; the rest of a longer line becomes a line of its own.
  private static let maxLength = LogStyle.maxLine - 1

  private let name: String
  private let format: LogStyle.Format
  private var partial: [UInt8] = []

  package init(name: String, format: LogStyle.Format) {
    self.name = name
    self.format = format
  }

  /// - Returns: the lines that are complete now, each with its newline.
  package mutating func add(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        lines.append(named(partial))
        partial.removeAll(keepingCapacity: true)
        continue
      }
      if partial.count >= Self.maxLength {
        lines.append(named(partial))
        partial.removeAll(keepingCapacity: true)
      }
      partial.append(byte)
    }
    return lines
  }

  /// The start of a line whose end did not come.
  package mutating func end() -> [UInt8]? {
    guard !partial.isEmpty else { return nil }
    defer { partial = [] }
    return named(partial)
  }

  private func named(_ line: [UInt8]) -> [UInt8] {
    let text = String(decoding: line, as: UTF8.self)
    switch format {
    case .text: return Array("\(name): \(TextRules.escapedForTerminal(text))\n".utf8)
    case .json:
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("process", name)
      if text.hasPrefix(#"{"time":"#), (try? Jansson.decode(line).object) != nil {
        return Array(writer.bytes + [UInt8(ascii: ",")] + line.dropFirst() + [UInt8(ascii: "\n")])
      }
      // A quotation mark or backslash takes two bytes.
      let message = LogStyle.cut(Array(TextRules.escapedForTerminal(text).utf8), to: Self.maxLength / 2 - 64)
      writer.member("message", String(decoding: message, as: UTF8.self))
      writer.endObject()
      writer.endLine()
      return writer.bytes
    }
  }
}
