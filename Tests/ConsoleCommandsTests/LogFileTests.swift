// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc
import TestSupport
import Testing

/// One log file, written and rotated as by the supervisor.
@Suite struct LogFileTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("alice.log")
  }

  private func append(_ text: String) throws {
    let handle = try #require(fopen(path, "a"))
    defer { fclose(handle) }
    #expect(fputs(text, handle) >= 0)
  }

  private func rotate() {
    for number in stride(from: 3, through: 1, by: -1) { rename("\(path).\(number)", "\(path).\(number + 1)") }
    rename(path, "\(path).1")
  }

  private func numbers(_ range: ClosedRange<Int>) -> String {
    range.map { "line \($0)\n" }.joined()
  }

  @Test func `last lines are read`() throws {
    try append(numbers(1...10_000))
    #expect(LogFile(path: path).last(2, includesPartial: true) == ["line 9999", "line 10000"])
    #expect(LogFile(path: path).last(0, includesPartial: true).isEmpty)
    #expect(LogFile(path: path).last(10_000, includesPartial: true).first == "line 1")
  }

  @Test func `rotated files supply missing lines`() throws {
    try append(numbers(1...3))
    rotate()
    try append(numbers(4...5))
    rotate()
    try append(numbers(6...6))
    #expect(LogFile(path: path).last(4, includesPartial: true) == ["line 3", "line 4", "line 5", "line 6"])
    #expect(LogFile(path: path).last(50, includesPartial: true).count == 6)
  }

  @Test func `partial line is shown once complete`() throws {
    try append("one\ntwo")
    #expect(LogFile(path: path).last(5, includesPartial: true) == ["one", "two"])
    let file = LogFile(path: path)
    #expect(file.last(5, includesPartial: false) == ["one"])
    #expect(file.added().isEmpty)
    try append(" three\nfour\n")
    #expect(file.added() == ["two three", "four"])
    #expect(file.added().isEmpty)
  }

  @Test func `rotation loses no lines`() throws {
    try append("1\n")
    let file = LogFile(path: path)
    #expect(file.last(5, includesPartial: false) == ["1"])
    try append("2\n3")
    rotate()
    try append("4\n")
    #expect(file.added() == ["2", "3", "4"])
    try append("5\n")
    rotate()
    try append("6\n")
    rotate()
    try append("7\n")
    #expect(file.added() == ["5", "6", "7"])
  }

  @Test func `truncated file is read from its start`() throws {
    try append("1\n2\n")
    let file = LogFile(path: path)
    _ = file.last(5, includesPartial: false)
    #expect(truncate(path, 0) == 0)
    #expect(file.added().isEmpty)
    try append("3\n")
    #expect(file.added() == ["3"])
  }

  @Test func `missing log is followed once it appears`() throws {
    let file = LogFile(path: path)
    #expect(file.last(5, includesPartial: false).isEmpty)
    #expect(file.added().isEmpty)
    try append("1\n")
    #expect(file.added() == ["1"])
  }

  @Test func `endless line is shown in parts`() throws {
    let file = LogFile(path: path)
    try append(String(repeating: "x", count: 200_000))
    #expect(file.added().allSatisfy { $0.utf8.count >= 65_536 })
    try append("\n")
    #expect(file.added().count == 1)
  }

  @Test func `links are not followed`() throws {
    try directory.write("secret", Array("secret\n".utf8))
    #expect(symlink(directory.file("secret"), path) == 0)
    let file = LogFile(path: path)
    #expect(file.last(5, includesPartial: true).isEmpty)
    #expect(file.added().isEmpty)
  }

  /// Random appends and rotations between the reads: every line is returned once, in order. As in the supervisor, a new
  /// file follows each rotation immediately.
  @Test(arguments: 1...20) func `no line is lost or repeated`(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    try append("")
    let file = LogFile(path: path)
    var (written, read) = (0, [String]())
    read += file.last(5, includesPartial: false)
    for _ in 0..<60 {
      var rotations = 0
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          written += 1
          // A line in two parts, as a slow writer leaves it.
          try append("line ")
          if random.once(in: 3) { read += file.added() }
          try append("\(written)\n")
        }
        if random.once(in: 3), rotations < 3, written > 0 {
          rotate()
          try append("")
          rotations += 1
        }
      }
      read += file.added()
    }
    try append("end\n")
    read += file.added()
    #expect(read == (0..<written).map { "line \($0 + 1)" } + ["end"])
  }
}
