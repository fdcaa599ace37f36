// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import POSIXSupport
import ProcessSupervision
import SupervisorDaemon
import TestSupport
import Testing
import WireProtocol

/// The messages to the service manager.
@Suite struct ServiceNoticeTests {
  private let start = SuspendingClock.now

  private func fleet() -> Fleet {
    var fleet = Fleet()
    fleet.add("index", role: .index, now: start)
    fleet.add("alice", role: .peer, now: start)
    _ = fleet.begin(now: start)
    return fleet
  }

  @Test func `ready is sent once all are ready`() {
    var fleet = fleet()
    var notice = ServiceNotice(now: start)
    #expect(
      notice.next(for: fleet, now: start)
        == "STATUS=0 of 2 processes ready; index is starting; alice is starting")
    #expect(notice.next(for: fleet, now: start) == nil)
    _ = fleet.becameReady("index", now: start)
    #expect(notice.next(for: fleet, now: start) == "STATUS=1 of 2 processes ready; alice is starting")
    _ = fleet.becameReady("alice", now: start)
    #expect(notice.next(for: fleet, now: start) == "READY=1\nSTATUS=2 of 2 processes ready")
    #expect(notice.next(for: fleet, now: start) == nil)
    #expect(notice.deadline == nil)
  }

  /// A failing process must not stop the others.
  @Test func `failing process does not hold up the service`() {
    var fleet = fleet()
    var notice = ServiceNotice(now: start)
    _ = fleet.becameReady("index", now: start)
    var now = start
    for _ in 0..<5 {
      _ = fleet.exited("alice", .exited(1), now: now, random: 0)
      now = fleet.deadline ?? now
      _ = fleet.timePassed(now: now)
    }
    #expect(notice.next(for: fleet, now: now) == "READY=1\nSTATUS=1 of 2 processes ready; alice is starting")
  }

  @Test func `hanging process holds it up for a limited time`() {
    let fleet = fleet()
    var notice = ServiceNotice(now: start)
    _ = notice.next(for: fleet, now: start)
    let deadline = start.advanced(by: ServiceNotice.timeout)
    #expect(notice.deadline == deadline)
    #expect(notice.next(for: fleet, now: deadline) == "READY=1")
  }

  @Test func `stopping is sent at the start of the stop`() {
    var fleet = fleet()
    var notice = ServiceNotice(now: start)
    _ = notice.next(for: fleet, now: start)
    _ = fleet.end(now: start)
    #expect(
      notice.next(for: fleet, now: start)
        == "STOPPING=1\nSTATUS=0 of 2 processes ready; index is stopping; alice is stopped")
    // Ready is not sent after that.
    _ = fleet.exited("index", .exited(0), now: start, random: 0)
    #expect(notice.next(for: fleet, now: start.advanced(by: .seconds(60)))?.contains("READY=1") != true)
  }
}

/// A supervisor under a service manager; the test provides its socket.
@Suite(.serialized) struct ServiceManagerTests {
  /// A datagram socket like that of systemd; in the abstract namespace if `name` begins with `@`.
  private final class Manager {
    let descriptor: Int32
    let name: String

    init(_ name: String) throws {
      self.name = name
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      let address =
        name.hasPrefix("@")
        ? UnixSocketAddress(abstractName: String(name.dropFirst())) : try UnixSocketAddress(path: name)
      let bound = try #require(address).withPointer { bind(descriptor, $0, $1) }
      try #require(descriptor >= 0 && bound == 0)
      var timeout = timeval(tv_sec: 20, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Waits for a message that contains `word`.
    func hear(_ word: String) throws {
      var heard: [String] = []
      while true {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        try #require(count > 0, "\(heard)")
        heard.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        if heard.last?.split(separator: "\n").contains(Substring(word)) == true { return }
      }
    }
  }

  @Test(arguments: [false, true]) func `manager is notified of start and stop`(isAbstract: Bool) async throws {
    let fixture = try SupervisorFixture()
    let path = fixture.directory.file("notify")
    let manager = try Manager(isAbstract ? "@\(path)" : path)
    try fixture.spawn(
      ["--serve-index", "127.0.0.1:0", "--peer", "alice"], environment: ["NOTIFY_SOCKET": manager.name])
    try manager.hear("READY=1")
    #expect(try fixture.status("alice").state == "ready")
    fixture.supervisor?.signal(SIGTERM)
    try manager.hear("STOPPING=1")
    #expect(try await fixture.end() == .exited(0))
  }

  /// A missing manager does not keep the supervisor from running.
  @Test(arguments: ["@nobody", "/nonexistent/notify", "nonsense", ""])
  func `missing manager is no error`(name: String) async throws {
    let fixture = try SupervisorFixture()
    try fixture.spawn(["--index", "127.0.0.1:1", "--peer", "alice"], environment: ["NOTIFY_SOCKET": name])
    let answers = await eventually(within: .seconds(20)) { (try? fixture.control()) != nil }
    #expect(answers)
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
  }
}
