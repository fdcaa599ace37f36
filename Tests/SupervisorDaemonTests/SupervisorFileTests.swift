// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import ProcessSupport
import SupervisorDaemon
import TestSupport
import Testing

/// The small things around a run: its own files, its own log, its own name.
@Suite struct SupervisorFileTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  @Test func aSmallFileIsReplacedWhole() throws {
    let path = directory.file("record")
    try SmallFile.replace(path, with: [1, 2, 3])
    try SmallFile.replace(path, with: [4])
    #expect(SmallFile.read(path) == [4])
    #expect(SmallFile.read(path, limit: 0) == [])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(access("\(path).new", F_OK) != 0)
    #expect(SmallFile.read(directory.file("missing")) == nil)
    #expect(throws: (any Error).self) { try SmallFile.replace(directory.file("missing/record"), with: [1]) }
  }

  /// What is planted where the new content is written is not followed.
  @Test func aPlantedLinkIsNotWrittenThrough() throws {
    let victim = try directory.write("victim", [7])
    let path = directory.file("record")
    #expect(symlink(victim, "\(path).new") == 0)
    #expect(throws: (any Error).self) { try SmallFile.replace(path, with: [1]) }
    #expect(TemporaryDirectory.read(victim) == [7])
  }

  @Test func theLockFollowsNoLink() throws {
    let victim = try directory.write("victim", [7])
    let path = directory.file("lock")
    #expect(symlink(victim, path) == 0)
    #expect(throws: SupervisorError.self) { _ = try InstanceLock(path: path).release() }
    #expect(TemporaryDirectory.read(victim) == [7])
  }

  /// What children say about themselves may stand in it.
  @Test func aLogLineIsOneLineWithTimeAndLevel() throws {
    let path = directory.file("supervisor.log")
    let log = SupervisorLog(path: path, echoes: false)
    log.write("alice is ready")
    log.write("she said:\n2026-01-01T00:00:00Z error \u{1B}[31mred", .warning)
    let lines = String(decoding: try #require(TemporaryDirectory.read(path)), as: UTF8.self).split(separator: "\n")
    try #require(lines.count == 2)
    #expect(lines[0].hasSuffix("Z info alice is ready"))
    #expect(lines[1].contains("Z warning she said:") && !lines[1].contains("\u{1B}"))
    #expect(throws: Never.self) { try Timestamp(lines[0].prefix { $0 != " " }) }
  }

  @Test func aPeerOfTheWholeMachineIsNamedAfterWhoCalledSudo() throws {
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

  @Test func abstractNamesAreAsLongAsTheySay() throws {
    #expect(SocketAddress(abstractName: "") == nil)
    #expect(SocketAddress(abstractName: String(repeating: "x", count: 108)) == nil)
    let address = try #require(SocketAddress(abstractName: "p2p"))
    #expect(address.family == AF_UNIX && address.endpoint == nil)
    #expect(address.withPointer { _, length in length } == 2 + 1 + 3)
  }
}
