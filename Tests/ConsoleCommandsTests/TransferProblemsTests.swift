// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Testing
import WireProtocol

@Suite struct TransferProblemsTests {
  private func lines(_ errors: [(id: Int64, key: String, error: String?)]) throws -> [String] {
    var problems = TransferProblems()
    for (id, key, error) in errors {
      problems.add(
        RunningTransfer(
          id: id, direction: .download, state: "waiting", key: try DocumentKey(key), content: .empty, error: error))
    }
    return problems.lines
  }

  @Test func `one problem is told as it is`() throws {
    #expect(
      try lines([(7, "file/x", "no source of file/x answers"), (8, "file/y", nil)]) == [
        "7: no source of file/x answers"
      ])
  }

  @Test func `transfers with the same problem share a line`() throws {
    let many = (1...10_000).map {
      (id: Int64($0), key: "file/\($0)", error: "no source of file/\($0) answers" as String?)
    }
    #expect(
      try lines(many + [(20_000, "file/z", "the disk is full")]) == [
        "1, 2, 3, 4, 5 and 9995 more: no source of each document answers", "20000: the disk is full",
      ])
    #expect(try lines(Array(many.prefix(2))) == ["1, 2: no source of each document answers"])
  }

  @Test func `number of lines is limited`() throws {
    let many = (1...100).map { (id: Int64($0), key: "file/x", error: "problem \($0)" as String?) }
    let lines = try lines(many)
    #expect(lines.count == 21)
    #expect(lines.last == "… and 80 more problems: p2pctl transfers --json shows them")
  }
}
