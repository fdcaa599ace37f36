// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing

/// Index and peer at the limit of descriptors.
@Suite(.serialized) struct DescriptorLimitTests {
  /// A process started by hand with a limit of descriptors.
  private final class Limited {
    let pid: Int32
    let log: String
    let address: Endpoint

    init(_ program: String, _ arguments: [String], limit: Int, in directory: TemporaryDirectory) async throws {
      let output = directory.file(program)
      log = output + ".err"
      pid = try Program(path: "/bin/sh").start(
        ["-c", "ulimit -n \(limit); exec \"$@\"", "sh", try Program(program).path] + arguments, output: output)
      let read = { [log] in Self.address(in: String(decoding: TemporaryDirectory.read(log) ?? [], as: UTF8.self)) }
      guard await eventually(within: .seconds(30), { read() != nil }), let found = read() else {
        kill(pid, SIGKILL)
        throw Program.Failure(description: "\(program) does not start")
      }
      address = found
    }

    deinit {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }

    var logged: String { String(decoding: TemporaryDirectory.read(log) ?? [], as: UTF8.self) }

    /// Seconds of processor time so far.
    var processorTime: Double {
      let stat = String(decoding: TemporaryDirectory.read("/proc/\(pid)/stat") ?? [], as: UTF8.self)
      let fields = stat.split(separator: " ")
      guard fields.count > 14, let user = Double(fields[13]), let system = Double(fields[14]) else { return .infinity }
      return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// From now on no further descriptor can be opened: prlimit(1).
    func forbidMore() async throws {
      let outcome = try await Program(path: "/usr/bin/prlimit").run("--pid", String(pid), "--nofile=3:3")
      guard outcome.status == 0 else { throw Program.Failure(description: outcome.errors) }
    }

    /// The part of one processor that it uses. A loop that spins uses all of it.
    func load() async throws -> Double {
      let (before, start) = (processorTime, ContinuousClock.now)
      // The time over which it is measured.
      try await Task.sleep(for: .milliseconds(700))
      let seconds = start.duration(to: .now) / .seconds(1)
      return (processorTime - before) / seconds
    }

    private static func address(in log: String) -> Endpoint? {
      for marker in ["listens at ", "uploads="] {
        guard let start = log.firstRange(of: marker) else { continue }
        let text = log[start.upperBound...].prefix { !$0.isWhitespace }
        if log[start.upperBound...].contains(where: \.isWhitespace) { return try? Endpoint(String(text)) }
      }
      return nil
    }
  }

  /// More connections than descriptors. Those that are not accepted wait in the backlog.
  private func crowd(_ address: Endpoint, _ count: Int) throws -> [RawConnection] {
    try (0..<count).map { _ in try RawConnection(to: address, timeout: .seconds(20)) }
  }

  @Test func `index keeps to its limit, and who has said hello is served`() async throws {
    let directory = try TemporaryDirectory()
    let index = try await Limited("p2p-index", ["--listen", "127.0.0.1:0"], limit: 64, in: directory)
    let first = try RawConnection(to: index.address)
    let hello = try first.ask(
      #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "a", count: 64))","name":"a","port":1}"#)
    #expect(hello["limits"]?["connections"] == 32)
    let others = try crowd(index.address, 100)
    // The oldest of those make room.
    let last = try RawConnection(to: index.address, timeout: .seconds(20))
    let greeted = try last.ask(
      #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "b", count: 64))","name":"b"}"#)
    #expect(greeted["status"] == 200)
    #expect(try first.ask(#"{"id":2,"op":"ping"}"#)["status"] == 200)
    #expect(try await index.load() < 0.5)
    #expect(others.count == 100)
  }

  @Test(.enabled(if: access("/usr/bin/prlimit", X_OK) == 0)) func `accept pauses without descriptors, and says so`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let index = try await Limited("p2p-index", ["--listen", "127.0.0.1:0"], limit: 256, in: directory)
    let first = try RawConnection(to: index.address)
    // It is accepted, not in the backlog only.
    let hello = #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "a", count: 64))","name":"a"}"#
    #expect(try first.ask(hello)["status"] == 200)
    try await index.forbidMore()
    let other = try RawConnection(to: index.address)
    #expect(
      await eventually(within: .seconds(20)) { index.logged.contains("cannot accept connections: Too many open files") }
    )
    #expect(try await index.load() < 0.5)
    #expect(try first.ask(#"{"id":2,"op":"ping"}"#)["status"] == 200)
    _ = other
  }

  @Test func `owner is served while other peers use all descriptors`() async throws {
    let directory = try TemporaryDirectory()
    let socket = directory.file("control")
    let peer = try await Limited(
      "p2p-peer",
      ["--name", "alice", "--state", directory.file("state"), "--socket", socket, "--index", "127.0.0.1:1"], limit: 96,
      in: directory)
    let others = try crowd(peer.address, 150)
    #expect(await eventually(within: .seconds(20)) { peer.logged.contains("uploads: refusing connections") })
    for _ in 0..<3 {
      let status = try await Program("p2pctl").run("--socket", socket, "status")
      #expect(status.status == 0, "\(status.errors)")
    }
    #expect(try await peer.load() < 0.5)
    #expect(others.count == 150)
  }
}
