// SPDX-License-Identifier: Apache-2.0

import Glibc
import SupervisorDaemon
import TestSupport
import Testing

@Suite struct RotatingLogTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("alice.log")
  }

  private func text(_ suffix: String = "") -> String? {
    TemporaryDirectory.read(path + suffix).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func `log file is private`() {
    var log = RotatingLog(path: path)
    log.write(Array("one\n".utf8))
    log.write(Array("two\n".utf8))
    #expect(text() == "one\ntwo\n")
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
  }

  @Test func `full file is rotated and five are kept`() {
    var log = RotatingLog(path: path, maximumSize: 8, files: 5)
    for number in 0..<10 { log.write(Array("line \(number)\n".utf8) + Array("more\n".utf8)) }
    #expect(text() == "line 9\nmore\n")
    #expect((1...4).map { text(".\($0)") } == (5...8).reversed().map { "line \($0)\nmore\n" })
    #expect(text(".5") == nil)
    #expect(log.lost == 0)
  }

  @Test func `existing file is continued`() {
    do {
      var log = RotatingLog(path: path, maximumSize: 8)
      log.write(Array("old line\n".utf8))
    }
    var log = RotatingLog(path: path, maximumSize: 8)
    // The existing size counts from the first write on.
    log.write(Array("a\n".utf8))
    log.write(Array("b\n".utf8))
    #expect(text(".1") == "old line\na\n")
    #expect(text() == "b\n")
  }

  @Test func `only an endless line is cut`() {
    var log = RotatingLog(path: path, maximumSize: 8, files: 2)
    log.write(Array("0123456789".utf8))
    log.write(Array("end\n".utf8))
    #expect(text() == "0123456789end\n")
    log.write(Array(String(repeating: "x", count: 20).utf8))
    log.write(Array("y".utf8))
    #expect(text(".1") == String(repeating: "x", count: 20))
    #expect(text() == "y")
  }

  @Test func `single file is replaced when full`() {
    var log = RotatingLog(path: path, maximumSize: 2, files: 1)
    for _ in 0..<5 { log.write(Array("abc\n".utf8)) }
    #expect(text() == "abc\n")
    #expect(text(".1") == nil)
  }

  @Test func `lost bytes are counted and logged`() throws {
    let path = directory.file("missing/alice.log")
    var log = RotatingLog(path: path)
    log.write(Array("12345\n".utf8))
    log.write(Array("1234\n".utf8))
    #expect(log.lost == 11)
    #expect(mkdir(directory.file("missing"), 0o700) == 0)
    log.write(Array("back\n".utf8))
    let found = String(decoding: try #require(TemporaryDirectory.read(path)), as: UTF8.self)
    #expect(found == "[11 bytes of output lost: the log could not be written]\nback\n")
    #expect(log.lost == 0)
  }

  /// As external log rotation needs it.
  @Test func `moved file is created again after close`() throws {
    var log = RotatingLog(path: path)
    log.write(Array("one\n".utf8))
    #expect(rename(path, path + ".old") == 0)
    log.write(Array("two\n".utf8))
    log.close()
    log.write(Array("three\n".utf8))
    #expect(text(".old") == "one\ntwo\n")
    #expect(text() == "three\n")
  }

  @Test func `full disk loses output only`() {
    var log = RotatingLog(path: "/dev/full")
    for _ in 0..<100 { log.write(Array("12345\n".utf8)) }
    #expect(log.lost == 600)
  }

  @Test func `symbolic link is not followed`() {
    #expect(symlink(directory.file("elsewhere"), path) == 0)
    var log = RotatingLog(path: path)
    log.write(Array("secret\n".utf8))
    #expect(TemporaryDirectory.read(directory.file("elsewhere")) == nil)
    #expect(log.lost == 0 && text() == "secret\n")
  }
}
