// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import ProcessSupport
import SupervisorDaemon
import TestSupport
import Testing

/// Files, log and name of the supervisor.
@Suite struct SupervisorFileTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  @Test func `lock follows no link`() throws {
    let victim = try directory.write("victim", [7])
    let path = directory.file("lock")
    #expect(symlink(victim, path) == 0)
    #expect(throws: SupervisorError.self) { _ = try InstanceLock(path: path).release() }
    #expect(TemporaryDirectory.read(victim) == [7])
  }

  /// Log lines may contain messages from children.
  @Test func `log line is one line with time and level`() throws {
    let path = directory.file("supervisor.log")
    let log = SupervisorLog(.file(path: path), echoes: false)
    log.write("alice is ready")
    log.write("she said:\n2026-01-01T00:00:00Z error \u{1B}[31mred", .warning)
    let lines = String(decoding: try #require(TemporaryDirectory.read(path)), as: UTF8.self).split(separator: "\n")
    try #require(lines.count == 2)
    #expect(lines[0].hasSuffix("Z info alice is ready"))
    #expect(lines[1].contains("Z warning she said:") && !lines[1].contains("\u{1B}"))
    #expect(throws: Never.self) { try Timestamp(lines[0].prefix { $0 != " " }) }
  }

  @Test func `long message is cut and a moved log is created again`() throws {
    let path = directory.file("supervisor.log")
    let log = SupervisorLog(.file(path: path), echoes: false)
    log.write(String(repeating: "x", count: 5_000))
    let moved = directory.file("moved")
    #expect(rename(path, moved) == 0)
    log.write("to the moved file")
    log.reopen()
    log.write("to the new file")
    let old = String(decoding: try #require(TemporaryDirectory.read(moved)), as: UTF8.self).split(separator: "\n")
    try #require(old.count == 2)
    #expect(old[0].count { $0 == "x" } == 2_048)
    let new = String(decoding: try #require(TemporaryDirectory.read(path)), as: UTF8.self)
    #expect(new.hasSuffix(" info to the new file\n") && new.split(separator: "\n").count == 1)
  }

  /// A blocking write would hang this test.
  @Test func `unread pipe takes what fits and never blocks the log`() throws {
    var ends: [CInt] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let path = directory.file("echoed.log")
    let log = SupervisorLog(.file(path: path), descriptor: ends[1])
    // Escaped, each of these lines is longer than PIPE_BUF; together they are more than the pipe holds.
    for _ in 0..<100 { log.write(String(repeating: "\u{202E}", count: 2_000)) }
    log.write("last")
    let lines = String(decoding: try #require(TemporaryDirectory.read(path)), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 101 && lines.last?.hasSuffix(" info last") == true)
    var first = [UInt8](repeating: 0, count: LogStyle.maxLine)
    #expect(read(ends[0], &first, first.count) == first.count)
    #expect(first.last == UInt8(ascii: "\n"))
  }

  @Test func `peer of the machine is named after the caller of sudo`() throws {
    func name(_ variables: [String: String]) -> String? {
      SupervisorInvocation.ownName(in: .system, environment: variables)?.text
    }
    #expect(name(["SUDO_USER": "ann", "USER": "root"]) == "ann")
    for variables in [[:], ["SUDO_USER": ""], ["SUDO_USER": "a b"], ["USER": "ann"]] {
      #expect(name(variables) == PeerName.ofCurrentUser()?.text, "\(variables)")
    }
    #expect(name(["NOTIFY_SOCKET": "/run/systemd/notify"]) == nil, "a service manager is no user")
    #expect(SupervisorInvocation.ownName(in: Layout(home: "/h"), environment: ["SUDO_USER": "ann"]) == .ofCurrentUser())
  }
}
