// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import POSIXSupport
import ProcessSupervision
import ProcessSupport
import SupervisorDaemon
import TestSupport
import Testing

@Suite struct ChildRecordTests {
  @Test func `record round-trips`() {
    let record = ChildRecord(
      boot: "b-1", children: [.init(name: "alice", pid: 42, startTime: 7), .init(name: "bob", pid: 43, startTime: 8)])
    #expect(ChildRecord(record.bytes) == record)
  }

  @Test(arguments: [
    "", "{", "[]", "{}", #"{"boot":1,"children":[]}"#, #"{"boot":"b","children":{}}"#,
  ])
  func `malformed record is ignored`(text: String) {
    #expect(ChildRecord(Array(text.utf8)) == nil)
  }

  /// A pid below 2 would mean init, or a process group for kill(2).
  @Test(arguments: ["-1", "0", "1", "4294967296", "\"5\"", "null"])
  func `invalid pid is skipped`(pid: String) {
    let text = #"{"boot":"b","children":[{"name":"a","pid":\#(pid),"start":1},{"name":"b","pid":9,"start":1}]}"#
    #expect(ChildRecord(Array(text.utf8))?.children == [.init(name: "b", pid: 9, startTime: 1)])
  }
}

@Suite struct ProcessTableTests {
  @Test func `start time is field 22`() {
    let tail = " S " + (4...30).map { "\($0)" }.joined(separator: " ")
    #expect(ProcessTable.startTime(inStat: Array("7 (sh)\(tail)".utf8)) == 22)
    #expect(ProcessTable.startTime(inStat: Array("7 (a) 1 2) 3)\(tail)\n".utf8)) == 22)
    #expect(ProcessTable.startTime(inStat: Array("7 (sh) S 1".utf8)) == nil)
    #expect(ProcessTable.startTime(inStat: []) == nil)
  }

  @Test func `own start time and boot are known`() {
    #expect(ProcessTable.startTime(of: getpid()) != nil)
    #expect(!ProcessTable.bootIdentifier().isEmpty)
  }
}

@Suite struct PreviousRunTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// A program under the name of one of ours.
  private func program(_ path: String, as name: String = "p2p-peer") throws -> String {
    let copy = directory.file(name)
    // The file itself: /bin/sh may be a link.
    let file = URL(filePath: path).resolvingSymlinksInPath().path
    try FileManager.default.copyItem(atPath: file, toPath: copy)
    return copy
  }

  private func sleeper() throws -> ChildProcess {
    try ChildProcess(.init(executable: try program("/bin/sleep"), arguments: ["600"]))
  }

  private func record(of child: borrowing ChildProcess, boot: String, startTime: Int64? = nil) throws -> ChildRecord {
    let start = try #require(startTime ?? ProcessTable.startTime(of: child.pid))
    return ChildRecord(boot: boot, children: [.init(name: "alice", pid: child.pid, startTime: start)])
  }

  @Test func `recorded child is ended and waited for`() throws {
    let child = try sleeper()
    let record = try record(of: child, boot: "now")
    #expect(try PreviousRun.end(record, boot: "now") == record.children)
    let termination = child.reap()
    #expect(termination == .signaled(SIGTERM))
  }

  @Test func `stubborn child is killed`() throws {
    let child = try ChildProcess(
      .init(
        executable: try program("/bin/sh", as: "p2p-index"),
        arguments: ["-c", "trap '' TERM; while :; do /bin/sleep 1; done"]))
    _ = try PreviousRun.end(record(of: child, boot: "now"), boot: "now")
    let termination = child.reap()
    #expect(termination == .signaled(SIGKILL) || termination == .signaled(SIGTERM))
  }

  @Test func `later process with the same pid is left alone`() throws {
    let child = try sleeper()
    defer { child.signal(SIGKILL) }
    #expect(try PreviousRun.end(record(of: child, boot: "now", startTime: 1), boot: "now").isEmpty)
    #expect(try PreviousRun.end(record(of: child, boot: "before"), boot: "now").isEmpty)
    let termination = child.reap()
    #expect(termination == nil)
  }

  /// A stale or forged record may name any process.
  @Test func `other program is left alone`() throws {
    let child = try ChildProcess(.init(executable: "/bin/sleep", arguments: ["600"]))
    defer { child.signal(SIGKILL) }
    #expect(try PreviousRun.end(record(of: child, boot: "now"), boot: "now").isEmpty)
    let termination = child.reap()
    #expect(termination == nil)
  }

  /// A home that was copied while it ran has the record of the other one's processes.
  @Test func `child of a living supervisor is left alone`() async throws {
    let peer = try program("/bin/sleep")
    let file = directory.file("pid")
    let supervisor = try ChildProcess(
      .init(
        executable: try program("/bin/sh", as: "p2p-supervisor"),
        arguments: ["-c", "'\(peer)' 600 & echo $! > '\(file).new'; mv '\(file).new' '\(file)'; wait"]))
    #expect(await eventually { ProcessTable.parent(of: Self.number(in: file)) == supervisor.pid })
    let pid = Self.number(in: file)
    let isRunning = await eventually { ProcessExecutable.name(of: pid) == "p2p-peer" }
    try #require(isRunning)
    let start = try #require(ProcessTable.startTime(of: pid))
    let record = ChildRecord(boot: "now", children: [.init(name: "alice", pid: pid, startTime: start)])
    #expect(try PreviousRun.end(record, boot: "now").isEmpty)
    supervisor.signal(SIGKILL)
    #expect(await eventually { ProcessTable.parent(of: pid) != supervisor.pid })
    #expect(try PreviousRun.end(record, boot: "now") == record.children)
    _ = supervisor.reap()
  }

  private static func number(in file: String) -> Int32 {
    Int32(String(decoding: TemporaryDirectory.read(file) ?? [], as: UTF8.self).filter(\.isNumber)) ?? 0
  }

  @Test func `program that was replaced meanwhile is ended`() throws {
    let child = try sleeper()
    #expect(unlink(directory.file("p2p-peer")) == 0)
    let record = try record(of: child, boot: "now")
    #expect(try PreviousRun.end(record, boot: "now") == record.children)
  }

  @Test func `missing process is no error`() throws {
    let record = ChildRecord(boot: "now", children: [.init(name: "alice", pid: Int32.max, startTime: 1)])
    #expect(try PreviousRun.end(record, boot: "now").isEmpty)
  }
}

@Suite struct InstanceLockTests {
  @Test func `second lock is refused until the first is released`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("lock")
    do {
      let first = try InstanceLock(path: path)
      // Reading the file must not release the lock.
      #expect(try SmallFile.read(path) == Array("\(getpid())\n".utf8))
      let error = #expect(throws: SupervisorError.self) { _ = try InstanceLock(path: path).release() }
      #expect(error?.message.contains("process \(getpid())") == true)
      first.release()
      _ = try InstanceLock(path: path).release()
    }
    _ = try InstanceLock(path: path).release()
  }
}

@Suite struct PortMemoryTests {
  @Test func `ports round-trip`() {
    var ports = PortMemory()
    ports["alice"] = 40_001
    ports["bob"] = 65_535
    #expect(PortMemory(ports.bytes) == ports)
    #expect(PortMemory(ports.bytes)["alice"] == 40_001)
  }

  @Test(arguments: ["", "{}", "nonsense", #"{"ports":[]}"#, #"{"ports":{"alice":0,"bob":65536,"c":"1","d":-1}}"#])
  func `malformed ports are ignored`(text: String) {
    #expect(PortMemory(Array(text.utf8)) == PortMemory())
  }
}

@Suite struct UserDatabaseTests {
  private let users = UserDatabase(
    passwd: "root:x:0:0::/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\nbad:x:y:1:\nshort\n",
    group: "alice:x:1001:\nvideo:x:44:bob,alice\naudio:x:29:malice\nwheel:x:9:alice,alice\n")

  @Test func `user has its groups`() {
    #expect(users.identity(of: "alice") == .init(user: 1000, group: 1001, supplementaryGroups: [44, 9]))
  }

  @Test func `numeric user needs no entry`() {
    #expect(users.identity(of: "7:8") == .init(user: 7, group: 8))
    for odd in ["7", "7:", ":8", "-1:1", "7:8:9", "4294967296:1", "", "nobody", "bad", "short"] {
      #expect(users.identity(of: odd) == nil, "\(odd)")
    }
  }
}

@Suite struct OutageNoticeTests {
  private let now = SuspendingClock.now

  private func text(
    _ change: (inout Fleet) -> Void, reason: String? = nil, at address: Endpoint? = nil
  ) -> String? {
    var fleet = Fleet()
    fleet.add("alice", role: .peer, now: now)
    _ = fleet.begin(now: now)
    change(&fleet)
    return fleet.member("alice")
      .flatMap { OutageNotice(for: $0, reason: reason, now: now) }
      .map { String(decoding: $0.line(at: address), as: UTF8.self) }
  }

  /// A peer that waits for the index is starting: its callers wait too.
  private func held() -> OutageNotice? {
    var fleet = Fleet()
    fleet.add("index", role: .index, now: now)
    fleet.add("alice", role: .peer, now: now)
    _ = fleet.begin(now: now)
    return fleet.member("alice").flatMap { OutageNotice(for: $0, reason: nil, now: now) }
  }

  @Test func `no notice for a running child`() {
    #expect(text { _ in } == nil)
    #expect(held().map { $0.line(at: nil) } == nil)
    #expect(text { _ = $0.becameReady("alice", now: now) } == nil)
    #expect(text { _ = $0.exited("alice", .exited(1), now: now, random: 1) } == nil)
  }

  @Test func `stopped child is named`() {
    let line = text { fleet in
      _ = fleet.becameReady("alice", now: now)
      _ = fleet.stop("alice", now: now)
      _ = fleet.exited("alice", .exited(0), now: now, random: 0)
    }
    #expect(
      line == #"{"id":null,"status":503,"error":"unavailable","message":"alice is stopped; "#
        + #"start it with: p2pctl supervisor start alice","retry_after":5,"state":"stopped"}"# + "\n")
  }

  @Test func `long back-off says when to retry`() {
    func line(at address: Endpoint?) -> String? {
      text(
        { fleet in
          for _ in 0..<5 {
            _ = fleet.becameReady("alice", now: now)
            _ = fleet.exited("alice", .exited(1), now: now, random: 1)
          }
          for _ in 0..<7 {
            _ = fleet.becameReady("alice", now: now)
            _ = fleet.exited("alice", .exited(1), now: now, random: 1)
            guard let deadline = fleet.deadline else { return }
            if fleet.member("alice")?.machine.outage(now: now) == nil { _ = fleet.timePassed(now: deadline) }
          }
        }, reason: "it exited with status 1", at: address)
    }
    for address in [nil, Endpoint(host: "127.0.0.1", port: 1), Endpoint(host: "::ffff:127.0.0.1", port: 1)] {
      let line = line(at: address)
      #expect(line?.contains(#""message":"alice is down and will be restarted: it exited with status 1""#) == true)
      #expect(line?.contains(#""retry_after":2}"#) == true)
    }
    let elsewhere = line(at: Endpoint(host: "192.0.2.1", port: 1))
    #expect(elsewhere?.contains(#""message":"alice is down and will be restarted""#) == true)
  }
}

@Suite struct PlaceTests {
  @Test func `long socket path is refused with the cure`() throws {
    let alice = try PeerName("alice")
    let deep = Layout(home: "/" + String(repeating: "d", count: 90))
    let error = #expect(throws: SupervisorError.self) { try SocketPathRule.check(deep, peers: [alice]) }
    #expect(error?.message.contains("P2P_HOME") == true)
    #expect(error?.message.contains(deep.supervisorSocket) == true)
    try SocketPathRule.check(Layout(home: "/tmp/short"), peers: [alice])
  }

  @Test func `directories are private`() throws {
    let directory = try TemporaryDirectory()
    let layout = Layout(home: directory.file("deep/er"))
    let maker = PlaceMaker(layout: layout)
    let alice = try PeerName("alice")
    for _ in 0..<2 {
      try maker.makeCommon()
      try maker.make(for: alice, identity: nil)
    }
    for path in [layout.state(of: alice), layout.runDirectory, layout.logDirectory, layout.downloads(of: alice)] {
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o700, "\(path)")
    }
  }

  @Test func `home that is a file is an error`() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("home", [1])
    let error = #expect(throws: SupervisorError.self) { try PlaceMaker(layout: Layout(home: path)).makeCommon() }
    #expect(error?.message.contains("--home") == true)
    let read = #expect(throws: SupervisorError.self) { try PlaceMaker(layout: Layout(home: "/proc/p2p")).makeCommon() }
    #expect(read?.message.contains("/proc/p2p") == true)
  }

  @Test func `children get selected variables only`() {
    let given = ["PATH": "/bin", "LC_ALL": "C", "P2P_HOME": "/h", "LD_PRELOAD": "/evil.so", "SECRET": "1", "TZ": "UTC"]
    #expect(
      SupervisorOptions.childEnvironment(from: given) == [
        "PATH": "/bin", "LC_ALL": "C", "P2P_HOME": "/h", "TZ": "UTC",
      ])
  }

  @Test func `home flag overrides the environment`() throws {
    let layout = try SupervisorInvocation.layout(home: "/a", environment: ["P2P_HOME": "/b", "HOME": "/c"])
    #expect(layout.runDirectory == "/a/run")
    #expect(try SupervisorInvocation.layout(home: nil, environment: ["P2P_HOME": "/b"]).runDirectory == "/b/run")
    let error = #expect(throws: SupervisorError.self) { try SupervisorInvocation.layout(home: "", environment: [:]) }
    #expect(error?.exitStatus == 64)
  }
}
