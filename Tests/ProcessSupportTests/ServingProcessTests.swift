// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport
import Testing

/// Signals and messages of a serving process, seen from outside: an index started by hand.
@Suite struct ServingProcessTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private var errors: String {
    String(decoding: TemporaryDirectory.read(directory.file("output.err")) ?? [], as: UTF8.self)
  }

  /// Starts an index and returns when it listens.
  private func start() async throws -> (pid: Int32, address: Endpoint) {
    let pid = try Program("p2p-index").start(["--listen", "127.0.0.1:0"], output: directory.file("output"))
    var address: Endpoint?
    _ = await eventually {
      let line = errors.split(separator: "\n").first { $0.contains("listens at ") }
      address = line?.split(separator: " ").last.flatMap { try? Endpoint(String($0)) }
      return address != nil
    }
    guard let address else {
      kill(pid, SIGKILL)
      throw Program.Failure(description: "it does not listen: \(errors)")
    }
    return (pid, address)
  }

  private func end(of pid: Int32) async -> Int32? {
    let status = await Program.wait(for: pid, .seconds(60))
    if status == nil { kill(pid, SIGKILL) }
    return status
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `signal ends the process in order`(_ signal: CInt) async throws {
    let (pid, address) = try await start()
    let connection = try RawConnection(to: address)
    _ = try connection.ask(
      #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "0", count: 64))","name":"bob"}"#)
    #expect(kill(pid, signal) == 0)
    #expect(await end(of: pid) == 0)
    #expect(try connection.line() == nil)
    #expect(throws: RawConnection.Failure.self) { try RawConnection(to: address) }
  }

  /// It either stops in order or has not begun to serve.
  @Test func `signal during startup ends the process`() async throws {
    for delay in 0..<12 {
      let pid = try Program("p2p-index").start(["--listen", "127.0.0.1:0"], output: directory.file("output"))
      for _ in 0..<delay * 2_000 { sched_yield() }
      #expect(kill(pid, SIGINT) == 0)
      let status = await end(of: pid)
      #expect([0, 128 + SIGINT].contains(status), "after \(delay)")
    }
  }

  /// A second Ctrl-C must not cut off an orderly stop.
  @Test func `second signal does not disturb the end`() async throws {
    let (pid, _) = try await start()
    for _ in 0..<20 { kill(pid, SIGINT) }
    kill(pid, SIGTERM)
    #expect(await end(of: pid) == 0)
  }

  @Test func `log line has time and level`() async throws {
    let (pid, address) = try await start()
    kill(pid, SIGTERM)
    #expect(await end(of: pid) == 0)
    let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2 && lines.last == "", "one line, and its newline")
    let words = (lines.first ?? "").split(separator: " ", maxSplits: 2).map(String.init)
    try #require(words.count == 3)
    let time = try Timestamp(words[0])
    #expect(abs(time.seconds - Int64(Glibc.time(nil))) < 300)
    #expect(words[1] == "info")
    #expect(words[2] == "listens at \(address)")
  }

  @Test func `failure is logged as an error`() async throws {
    let (pid, address) = try await start()
    let outcome = try await Program("p2p-index").run("--listen", "\(address)")
    kill(pid, SIGTERM)
    #expect(await end(of: pid) == 0)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("Z error cannot listen at \(address): Address already in use"))
  }

  @Test func `terminal line begins with the program name`() async throws {
    let session = try TypedSession(Program("p2p-index"), "--listen", "127.0.0.1:0")
    #expect(try await session.expect("listens at 127.0.0.1:") == "p2p-index: ")
    session.type("\u{3}")
    #expect(try await session.end().status == 0, "Ctrl-C is an orderly end too")
  }
}
