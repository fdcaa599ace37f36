// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// Writes the manual pages: `p2pctl generate-manual DIR [-]`, used by the installer.
enum ManualWriter {
  private static let maxDescriptionBytes = 1 << 20

  /// - Parameter arguments: the directory. A following `-` writes the page of another program instead, whose output for
  ///   `--experimental-dump-help` is read from standard input.
  static func write(_ arguments: [String], on console: Console) throws {
    guard let directory = arguments.first, arguments.count == 1 || (arguments.count == 2 && arguments[1] == "-") else {
      throw CommandFailure(.usage, "usage: p2pctl generate-manual DIR [-]")
    }
    let path = try console.absolutePath(directory, orFail: .cannotCreate)
    for page in try pages(fromInput: arguments.count == 2, on: console) {
      let file = "\(page.name).1"
      try write(page.text, to: "\(path)/\(file)")
      try console.writeLine(file)
    }
  }

  private static func pages(fromInput: Bool, on console: Console) throws -> [ManualPage] {
    if fromInput {
      let name = /[A-Za-z0-9][A-Za-z0-9_-]*/
      guard let program = CommandDescription(dump: try input(of: console)), program.name.wholeMatch(of: name) != nil
      else {
        throw CommandFailure(
          .usage, "standard input is not the description of a program",
          ["Create one with: p2p-supervisor --experimental-dump-help | p2pctl generate-manual DIR -"])
      }
      return [Manual.page(ofProgram: program)]
    }
    return CommandDescription.own().map(Manual.pages) ?? []
  }

  private static func input(of console: Console) throws -> String {
    var lines = InputLineReader(console.input)
    var text = ""
    while case .text(let line) = try lines.read(), text.utf8.count < maxDescriptionBytes { text += line + "\n" }
    return text
  }

  private static func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw failure(path, errno) }
    defer { close(file) }
    do throws(OutputError) {
      let sink = DescriptorOutput(file, isBuffered: true)
      try sink.write(text)
      try sink.flush()
    } catch {
      throw failure(path, EIO)
    }
  }

  private static func failure(_ path: String, _ number: Int32) -> CommandFailure {
    CommandFailure(
      .cannotCreate, "cannot write \(TextRules.escapedForTerminal(path)): \(SystemError(number))",
      ["The directory must exist and be writable."])
  }
}
