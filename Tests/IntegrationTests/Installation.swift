// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LineJSON
import TestSupport

/// A temporary home with a supervisor in the background, started by `p2pctl supervisor start`.
final class Installation: Sendable {
  let home: TemporaryDirectory
  let directory: TemporaryDirectory
  private let p2pctl: Program

  private init() throws {
    home = try TemporaryDirectory()
    directory = try TemporaryDirectory()
    p2pctl = try Program("p2pctl", environment: ["P2P_HOME": home.path], directory: directory.path)
  }

  /// Starts an index on a free port and the given peers, runs `body`, and stops everything.
  static func with(
    peers: [String] = ["alice", "bob"], _ body: (Installation) async throws -> Void
  ) async throws {
    let installation = try Installation()
    do {
      try await installation.start(peers)
      try await body(installation)
    } catch {
      await installation.stop()
      throw error
    }
    await installation.stop()
  }

  /// The same with a configuration file, which `configure` can replace.
  static func with(configuration: String, _ body: (Installation) async throws -> Void) async throws {
    let installation = try Installation()
    do {
      try installation.configure(configuration)
      try await installation.expectSuccess(["supervisor", "start"])
      try await body(installation)
    } catch {
      await installation.stop()
      throw error
    }
    await installation.stop()
  }

  /// The same without a supervisor, which `body` may start.
  static func empty(_ body: (Installation) async throws -> Void) async throws {
    let installation = try Installation()
    do {
      try await body(installation)
    } catch {
      await installation.stop()
      throw error
    }
    await installation.stop()
  }

  func configure(_ text: String) throws {
    mkdir(home.file("config"), 0o700)
    try home.write("config/p2p.toml", Array(text.utf8))
  }

  private func start(_ peers: [String]) async throws {
    try await expectSuccess(
      ["supervisor", "start", "--serve-index", "127.0.0.1:0"] + peers.flatMap { ["--peer", $0] })
  }

  func stop() async {
    _ = try? await p2pctl.run("supervisor", "stop")
  }

  // MARK: Commands

  func p2pctl(_ arguments: String...) async throws -> Program.Outcome {
    try await outcome(arguments)
  }

  func outcome(_ arguments: [String]) async throws -> Program.Outcome {
    try await p2pctl.run(arguments)
  }

  @discardableResult
  func expectSuccess(_ arguments: [String]) async throws -> Program.Outcome {
    let outcome = try await p2pctl.run(arguments)
    guard outcome.status == 0 else {
      throw Program.Failure(
        description: "p2pctl \(arguments.joined(separator: " ")): \(outcome.status)\n\(outcome.output)\(outcome.errors)"
      )
    }
    return outcome
  }

  /// Runs a command of one peer, which must succeed.
  @discardableResult
  func run(_ peer: String, _ arguments: String...) async throws -> Program.Outcome {
    try await expectSuccess(["--peer", peer] + arguments)
  }

  /// The output lines of a command with `--json`.
  func rows(_ peer: String, _ arguments: String...) async throws -> [JSONValue] {
    let outcome = try await expectSuccess(["--peer", peer, "--json"] + arguments)
    return try outcome.lines.map { try Jansson.decode(Array($0.utf8)) }
  }

  /// The log of a process.
  func log(_ name: String) -> String {
    String(decoding: TemporaryDirectory.read(home.file("log/\(name).log")) ?? [], as: UTF8.self)
  }

  // MARK: Processes

  struct Process: Sendable {
    let pid: Int32
    let state: String
    let address: String
    let restarts: Int64
  }

  /// The status of a process.
  func process(_ name: String) async throws -> Process {
    let outcome = try await expectSuccess(["supervisor", "status", "--json"])
    for line in outcome.lines {
      let row = try Jansson.decode(Array(line.utf8))
      guard row["name"]?.string == name else { continue }
      return Process(
        pid: Int32(row["pid"]?.integer ?? 0), state: row["state"]?.string ?? "", address: row["address"]?.string ?? "",
        restarts: row["restarts"]?.integer ?? 0)
    }
    throw Program.Failure(description: "no process \(name) in \(outcome.output)")
  }

  /// The names of all running programs with this `P2P_HOME`.
  func runningPrograms() throws -> [String] {
    let mine = Array("P2P_HOME=\(home.path)".utf8)
    return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid in
      guard Int32(pid) != nil, let environment = TemporaryDirectory.read("/proc/\(pid)/environ"),
        environment.split(separator: 0).contains(where: { Array($0) == mine })
      else { return nil }
      return try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe").split(separator: "/").last
        .map(String.init)
    }
  }

  /// kill -9, with the pid from the supervisor.
  func killProcess(_ name: String) async throws {
    let pid = try await process(name).pid
    guard pid > 1 else { throw Program.Failure(description: "\(name) has no pid") }
    kill(pid, SIGKILL)
  }

  /// Whether a process is ready again under another pid.
  func isBack(_ name: String, after old: Int32) async -> Bool {
    guard let process = try? await process(name) else { return false }
    return process.state == "ready" && process.pid != old
  }
}

/// Pseudo-random bytes; the same for the same seed (xorshift64).
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state)
  }
}
