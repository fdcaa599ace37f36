// SPDX-License-Identifier: Apache-2.0

import CProcess
import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import Synchronization
import SystemPackage
import Testing
import WireProtocol

@Suite struct SupervisorChannelTests {
  /// The two ends of a channel; the test plays the supervisor.
  private struct Ends {
    let supervisor: FileDescriptor
    let child: FileDescriptor

    init() throws {
      var first: Int32 = -1
      var second: Int32 = -1
      let error = socket_pair(&first, &second)
      guard error == 0 else { throw Errno(rawValue: error) }
      supervisor = FileDescriptor(rawValue: first)
      child = FileDescriptor(rawValue: second)
    }

    func say(_ json: JSONValue) throws {
      try supervisor.writeAll(Jansson.encodeLine(json))
    }
  }

  private struct Reader {
    let descriptor: FileDescriptor
    var lines = LineSplitter(maximumLength: 65_536)

    mutating func next() throws -> ChannelEvent {
      while true {
        if let line = try lines.next() { return try ChannelEvent(Jansson.decode(line)) }
        var readable = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&readable, 1, 20_000) == 1 else { throw Errno.timedOut }
        let bytes = try [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
          count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard !bytes.isEmpty else { throw Errno.connectionReset }
        lines.append(bytes)
      }
    }
  }

  private static let index = ChildSettings.index(IndexSettings(address: .defaultIndex))
  private static let start = ChannelStart(name: "index", settings: index, listeners: ChannelListeners())

  /// A listening socket, bound to nothing that matters.
  private static func listener() -> CInt {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    listen(descriptor, 1)
    return descriptor
  }

  @Test func `new listening socket reaches the child`() async throws {
    let ends = try Ends()
    try ends.say(Self.start.json)
    let channel = try SupervisorChannel.take(over: ends.child)
    let (sockets, continuation) = AsyncStream.makeStream(of: CInt.self)
    channel.run(onStop: { continuation.finish() }, onReload: { _ in }, onListen: { continuation.yield($0) })
    let listener = Self.listener()
    var first: CInt = -1
    var second: CInt = -1
    _ = socket_pair(&first, &second)
    let line = try Jansson.encodeLine(ChannelCommand.listen.json)
    // Without a descriptor, and with one that does not listen: both are ignored.
    try ends.supervisor.writeAll(line)
    #expect(socket_send_descriptor(ends.supervisor.rawValue, line, line.count, first) == Int64(line.count))
    #expect(socket_send_descriptor(ends.supervisor.rawValue, line, line.count, listener) == Int64(line.count))
    for descriptor in [first, second, listener] { close(descriptor) }
    var iterator = sockets.makeAsyncIterator()
    let received = try #require(await iterator.next())
    #expect(fcntl(received, F_GETFD) & FD_CLOEXEC != 0)
    close(received)
    try ends.say(ChannelCommand.stop.json)
    #expect(await iterator.next() == nil)
  }

  @Test func `settings, readiness, heartbeats and commands are exchanged`() async throws {
    let ends = try Ends()
    let other = ChildSettings.index(IndexSettings(address: Endpoint(host: "::1", port: 1)))
    // In one write, because bytes after the first line must not be lost.
    let text = try Jansson.encodeLine(Self.start.json) + Jansson.encodeLine(ChannelCommand.reload(other).json)
    try ends.supervisor.writeAll(text)
    let channel = try SupervisorChannel.take(over: ends.child)
    #expect(channel.start == Self.start)
    channel.sendReady(ChannelAddresses(index: "127.0.0.1:7734"))
    let (commands, continuation) = AsyncStream.makeStream(of: ChannelCommand.self)
    channel.run(
      onStop: { continuation.yield(.stop) }, onReload: { continuation.yield(.reload($0)) })
    var reader = Reader(descriptor: ends.supervisor)
    #expect(try reader.next() == .ready(ChannelAddresses(index: "127.0.0.1:7734")))
    #expect(try reader.next() == .heartbeat)
    #expect(try reader.next() == .heartbeat)
    try ends.say(["op": "something later"])
    try ends.say(ChannelCommand.stop.json)
    var iterator = commands.makeAsyncIterator()
    #expect(await iterator.next() == .reload(other))
    #expect(await iterator.next() == .stop)
    channel.sendFailed("too late")
    var event = try reader.next()
    while event == .heartbeat { event = try reader.next() }
    #expect(event == .failed(message: "too late"))
    // Both ends stay open, because a closed channel would end this process.
  }

  @Test func `heartbeat is sent only on a beat`() throws {
    let ends = try Ends()
    try ends.say(Self.start.json)
    let channel = try SupervisorChannel.take(over: ends.child)
    let asked = Mutex<(@Sendable () -> Void)?>(nil)
    channel.run(pulse: { beat in asked.withLock { $0 = beat } }, onStop: {}, onReload: { _ in })
    let deadline = ContinuousClock.now.advanced(by: .seconds(20))
    while asked.withLock({ $0 == nil }), ContinuousClock.now < deadline { sched_yield() }
    var readable = pollfd(fd: ends.supervisor.rawValue, events: Int16(POLLIN), revents: 0)
    #expect(poll(&readable, 1, 0) == 0)
    asked.withLock { $0 }?()
    var reader = Reader(descriptor: ends.supervisor)
    #expect(try reader.next() == .heartbeat)
  }

  @Test func `other protocol is refused`() throws {
    let ends = try Ends()
    try ends.say(["channel": 2])
    #expect(throws: ChannelError.refused(.otherProtocol(2))) { try SupervisorChannel.take(over: ends.child) }
  }

  @Test func `malformed first line is refused`() throws {
    let ends = try Ends()
    try ends.supervisor.writeAll(Array("GET / HTTP/1.1\n".utf8))
    #expect(throws: ChannelError.self) { try SupervisorChannel.take(over: ends.child) }
    let long = try Ends()
    try long.supervisor.writeAll([UInt8](repeating: 0x20, count: 65_537))
    #expect(throws: ChannelError.self) { try SupervisorChannel.take(over: long.child) }
  }

  @Test func `closed channel is reported`() throws {
    let ends = try Ends()
    try ends.supervisor.close()
    #expect(throws: ChannelError.closed) { try SupervisorChannel.take(over: ends.child) }
  }

  @Test func `descriptor that does not listen is refused`() throws {
    let ends = try Ends()
    let listeners = ChannelListeners(index: ends.supervisor.rawValue)
    try ends.say(ChannelStart(name: "index", settings: Self.index, listeners: listeners).json)
    #expect(throws: ChannelError.noListener("index")) { try SupervisorChannel.take(over: ends.child) }
  }

  /// A child neither waits for a supervisor that does not read, nor buffers without a limit.
  @Test func `supervisor that does not read blocks nothing`() throws {
    let ends = try Ends()
    try ends.say(Self.start.json)
    let channel = try SupervisorChannel.take(over: ends.child)
    for number in 0..<2_000 { channel.sendFailed("\(number) " + String(repeating: "x", count: 1_000)) }
    var reader = Reader(descriptor: ends.supervisor)
    #expect(try reader.next() == .failed(message: "0 " + String(repeating: "x", count: 1_000)))
  }

  @Test func `long message is cut`() throws {
    let ends = try Ends()
    try ends.say(Self.start.json)
    let channel = try SupervisorChannel.take(over: ends.child)
    channel.sendFailed(String(repeating: "x", count: 100_000))
    var reader = Reader(descriptor: ends.supervisor)
    #expect(try reader.next() == .failed(message: String(repeating: "x", count: 4_096)))
  }

  // MARK: The end of the process

  /// A channel that listens, and the supervisor's end of it.
  private static func listening() throws -> Ends {
    let ends = try Ends()
    try ends.say(start.json)
    try SupervisorChannel.take(over: ends.child).run(onStop: {}, onReload: { _ in })
    return ends
  }

  @Test func `child ends with its supervisor`() async {
    await #expect(processExitsWith: .exitCode(69)) {
      let ends = try SupervisorChannelTests.listening()
      try ends.supervisor.close()
      sleep(60)
    }
  }

  @Test func `endless line ends the child`() async {
    await #expect(processExitsWith: .exitCode(69)) {
      let ends = try SupervisorChannelTests.listening()
      try ends.supervisor.writeAll([UInt8](repeating: 0x20, count: 65_537))
      sleep(60)
    }
  }

  @Test func `unknown lines are ignored`() async {
    await #expect(processExitsWith: .exitCode(42)) {
      let ends = try Ends()
      try ends.say(SupervisorChannelTests.start.json)
      try SupervisorChannel.take(over: ends.child).run(onStop: { _exit(42) }, onReload: { _ in })
      try ends.supervisor.writeAll(Array("nonsense\n{}\n[]\n{\"op\":7}\n{\"op\":\"reload\"}\n{\"op\":\"stop\"}\n".utf8))
      sleep(60)
    }
  }

  @Test func `variable that names no socket is an error`() async {
    await #expect(processExitsWith: .success) {
      for value in ["", "x", "-1", "0", "2", "99999", "4294967299"] {
        setenv("P2P_CHANNEL", value, 1)
        do {
          _ = try SupervisorChannel.fromEnvironment()
          _exit(1)
        } catch ChannelError.noSocket(let variable) {
          guard variable == value, getenv("P2P_CHANNEL") == nil else { _exit(2) }
        }
      }
    }
  }

  @Test func `without the variable there is no channel`() throws {
    #expect(try SupervisorChannel.fromEnvironment() == nil)
  }
}
