// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import ProcessSupervision
import SystemPackage
import Testing

/// Real children of /bin/sh. Serialized, because some tests change the signals of this process for a moment.
@Suite(.serialized) struct ChildProcessTests {
  /// Runs a script and returns its output and how it ended.
  private func run(
    _ script: String, configure: (inout ProcessSpecification) -> Void = { _ in }
  ) throws -> (output: String, status: Termination) {
    let pipe = try FileDescriptor.pipe()
    var specification = ProcessSpecification(
      executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
      descriptors: [.init(source: pipe.writeEnd.rawValue, target: 1)])
    configure(&specification)
    defer { try? pipe.readEnd.close() }
    let child: ChildProcess
    do {
      defer { try? pipe.writeEnd.close() }
      child = try ChildProcess(specification)
    }
    let output = try Self.readToEnd(pipe.readEnd)
    return (output, try Self.await(child))
  }

  private static func readToEnd(_ descriptor: FileDescriptor) throws -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while true {
      var ready = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      guard poll(&ready, 1, 20_000) == 1 else { throw Errno.timedOut }
      let count = try chunk.withUnsafeMutableBytes { try descriptor.read(into: $0) }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  private static func await(_ child: borrowing ChildProcess) throws -> Termination {
    var ended = pollfd(fd: child.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
    guard poll(&ended, 1, 20_000) == 1 else { throw Errno.timedOut }
    let termination = child.reap()
    return try #require(termination)
  }

  @Test func `output, exit status and signal are returned`() throws {
    let result = try run("echo hello; exit 7")
    #expect(result.output == "hello\n")
    #expect(result.status == .exited(7))
    #expect(try run("kill -9 $$").status == .signaled(SIGKILL))
  }

  @Test func `missing executable is reported with its errno`() {
    #expect(
      throws: SpawnError(executable: "/nonexistent/p2p-peer", stage: .execution, errno: .noSuchFileOrDirectory)
    ) { _ = try ChildProcess(ProcessSpecification(executable: "/nonexistent/p2p-peer")) }
    #expect(throws: SpawnError(executable: "/etc/passwd", stage: .execution, errno: .permissionDenied)) {
      _ = try ChildProcess(ProcessSpecification(executable: "/etc/passwd"))
    }
    #expect(throws: SpawnError(executable: "/bin/sh", stage: .directory, errno: .noSuchFileOrDirectory)) {
      _ = try ChildProcess(ProcessSpecification(executable: "/bin/sh", directory: "/nonexistent"))
    }
    #expect(throws: SpawnError(executable: "/bin/sh", stage: .descriptors, errno: .badFileDescriptor)) {
      _ = try ChildProcess(
        ProcessSpecification(executable: "/bin/sh", descriptors: [.init(source: 100_000, target: 3)]))
    }
  }

  /// A leftover child would hold the pipe open.
  @Test func `failed start leaves no child`() throws {
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.readEnd.close() }
    for _ in 0..<50 {
      #expect(throws: SpawnError.self) {
        _ = try ChildProcess(
          .init(executable: "/nonexistent", descriptors: [.init(source: pipe.writeEnd.rawValue, target: 1)]))
      }
    }
    try pipe.writeEnd.close()
    #expect(try Self.readToEnd(pipe.readEnd).isEmpty)
  }

  /// Targets that are sources of others, a gap, and a stray descriptor without CLOEXEC.
  @Test func `child has exactly the mapped descriptors`() throws {
    let stray = dup(2)
    defer { close(stray) }
    let first = try Self.file(holding: "first")
    let second = try Self.file(holding: "second")
    defer {
      try? first.close()
      try? second.close()
    }
    // No pipeline: the inspected shell would hold its ends for a moment.
    let script = "cd /proc/$$/fd; cat \(first.rawValue) \(second.rawValue); echo; ls ."
    let result = try run(script) {
      $0.descriptors += [
        .init(source: second.rawValue, target: first.rawValue), .init(source: first.rawValue, target: second.rawValue),
      ]
    }
    let lines = result.output.split(separator: "\n")
    #expect(lines.first == "secondfirst")
    #expect(Set(lines.dropFirst().compactMap { Int32($0) }) == [0, 1, 2, first.rawValue, second.rawValue])
  }

  private static func file(holding text: String) throws -> FileDescriptor {
    let path = NSTemporaryDirectory() + UUID().uuidString
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    defer { unlink(path) }
    return try FileDescriptor.open(FilePath(path), .readOnly)
  }

  @Test func `environment, directory and session are set`() throws {
    let result = try run("echo $GREETING; pwd; test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo leads") {
      $0.environment["GREETING"] = "good day"
      $0.directory = "/proc"
    }
    #expect(result.output == "good day\n/proc\nleads\n")
    #expect(try run("env | cut -d= -f1 | sort | tr '\\n' ' '").output == "PATH PWD ")
  }

  @Test func `resource limits are set`() throws {
    let limit = ProcessSpecification.Limit(resource: Int32(RLIMIT_NOFILE.rawValue), soft: 37, hard: 41)
    #expect(try run("ulimit -Sn; ulimit -Hn") { $0.limits = [limit] }.output == "37\n41\n")
    let core = ProcessSpecification.Limit(resource: Int32(RLIMIT_CORE.rawValue), soft: 0, hard: 0)
    #expect(try run("ulimit -c") { $0.limits = [core] }.output == "0\n")
  }

  @Test func `signals have their defaults and are unblocked`() throws {
    let previous = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, previous) }
    var blocked = sigset_t()
    var before = sigset_t()
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGUSR1)
    pthread_sigmask(SIG_BLOCK, &blocked, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let result = try run("grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -s '\\t' ' '")
    #expect(result.output == "SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n")
  }

  @Test func `child cannot gain privileges`() throws {
    #expect(try run("grep NoNewPrivs /proc/self/status | cut -f2").output == "1\n")
    #expect(try run("grep NoNewPrivs /proc/self/status | cut -f2") { $0.refusesPrivileges = false }.output == "0\n")
  }

  @Test(.enabled(if: geteuid() == 0, "only root can become somebody else"))
  func `child runs as another user`() throws {
    let result = try run("id -u; id -g; id -G; grep CapEff /proc/self/status | cut -f2") {
      $0.identity = .init(user: 12_345, group: 23_456, supplementaryGroups: [34_567])
      $0.deathSignal = SIGKILL
    }
    #expect(result.output == "12345\n23456\n23456 34567\n0000000000000000\n")
    #expect(geteuid() == 0)
  }

  /// A child gets its death signal when the thread that started it ends; here the thread stands in for the parent.
  @Test func `death signal is bound to the thread`() throws {
    let pid = try #require(
      Self.onShortThread { () -> Int32 in
        var specification = ProcessSpecification(executable: "/bin/sleep", arguments: ["600"])
        specification.deathSignal = SIGKILL
        guard let child = try? ChildProcess(specification) else { return -1 }
        return child.pid
      })
    #expect(pid > 0)
    var status: Int32 = 0
    let deadline = ContinuousClock.now.advanced(by: .seconds(20))
    while waitpid(pid, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < deadline else { kill(pid, SIGKILL); break }
      usleep(1_000)
    }
    #expect(status == SIGKILL)
  }

  private static func onShortThread(_ body: @escaping @Sendable () -> Int32) -> Int32? {
    let outcome = Outcome()
    let thread = Thread {
      outcome.value = body()
      outcome.done.signal()
    }
    thread.start()
    return outcome.done.wait(timeout: .now() + 20) == .success ? outcome.value : nil
  }

  private final class Outcome: @unchecked Sendable {
    var value: Int32 = 0
    let done = DispatchSemaphore(value: 0)
  }

  @Test func `status taken elsewhere counts as an exit`() throws {
    let child = try ChildProcess(.init(executable: "/bin/true"))
    var status: Int32 = 0
    #expect(waitpid(child.pid, &status, 0) == child.pid)
    #expect(child.reap() == .unknown)
  }

  @Test(arguments: [
    (Termination.exited(1), "exited with status 1"), (.signaled(9), "was ended by signal 9"),
    (.unknown, "ended with an unknown status"), (.notStarted("no room", isTemporary: true), "was not started: no room"),
  ])
  func `terminations are described`(end: Termination, words: String) {
    #expect("\(end)" == words)
  }

  @Test func `spawn error names the failed step`() {
    let missing = SpawnError(executable: "/bin/x", stage: .execution, errno: .noSuchFileOrDirectory)
    #expect("\(missing)" == "cannot execute /bin/x: No such file or directory")
    let denied = SpawnError(executable: "/bin/x", stage: .identity, errno: .notPermitted)
    #expect("\(denied)" == "/bin/x: cannot change user: Operation not permitted")
  }

  @Test func `signal to an ended child is no error`() throws {
    let child = try ChildProcess(.init(executable: "/bin/sleep", arguments: ["600"]))
    let early = child.reap()
    #expect(early == nil)
    child.signal(SIGTERM)
    #expect(try Self.await(child) == .signaled(SIGTERM))
    child.signal(SIGTERM)
  }
}
