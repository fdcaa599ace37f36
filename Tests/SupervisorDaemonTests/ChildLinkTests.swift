// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import LineJSON
import SupervisorDaemon
import SystemPackage
import Testing
import WireProtocol

@Suite struct ChildLinkTests {
  /// The child's end of a channel, played by the test.
  private final class Child {
    let descriptor: FileDescriptor

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    func write(_ text: String) throws { try descriptor.writeAll(Array(text.utf8)) }

    /// Everything that has arrived.
    func read() -> [UInt8] {
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor.rawValue, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
      }
    }
  }

  private let child: Child
  private let supervisor: FileDescriptor

  init() throws {
    let ends = try ChildLink.pair()
    child = Child(ends.child)
    supervisor = ends.link
  }

  @Test func `events may arrive in parts and together`() throws {
    var link = ChildLink(descriptor: supervisor)
    try child.write(#"{"event":"heart"#)
    var events = link.receive()
    #expect(events.isEmpty)
    try child.write("beat\"}\n{\"event\":\"failed\",\"message\":\"no room\"}\n{\"ev")
    events = link.receive()
    #expect(events == [.heartbeat, .failed(message: "no room")])
    events = link.receive()
    #expect(events.isEmpty)
  }

  @Test func `malformed lines are skipped`() throws {
    var link = ChildLink(descriptor: supervisor)
    try child.write("\n{}\nnonsense\n[1]\n{\"event\":\"dance\"}\n{\"event\":\"heartbeat\"}\n")
    let events = link.receive()
    #expect(events == [.heartbeat])
    let wantsInput = link.wantsInput
    #expect(wantsInput)
  }

  @Test func `line over the limit ends reading`() throws {
    var link = ChildLink(descriptor: supervisor)
    let part = String(repeating: " ", count: 16_384)
    for _ in 0..<5 {
      try child.write(part)
      _ = link.receive()
    }
    let wantsInput = link.wantsInput
    #expect(!wantsInput)
    try child.write("\n{\"event\":\"heartbeat\"}\n")
    let events = link.receive()
    #expect(events.isEmpty)
  }

  @Test func `channel closed by the child is no longer polled`() throws {
    var link = ChildLink(descriptor: supervisor)
    try child.write("{\"event\":\"heartbeat\"}\n")
    shutdown(child.descriptor.rawValue, Int32(SHUT_WR))
    let events = link.receive()
    #expect(events == [.heartbeat], "events before the end count")
    _ = link.receive()
    let wantsInput = link.wantsInput
    #expect(!wantsInput)
  }

  @Test func `child that does not read costs a bounded buffer`() throws {
    var link = ChildLink(descriptor: supervisor)
    let line: JSONValue = ["op": "reload", "text": .string(String(repeating: "x", count: 10_000))]
    for _ in 0..<1_000 { link.send(line) }
    var wantsOutput = link.wantsOutput
    #expect(wantsOutput)
    // The socket's buffer and 256 KiB, in whole lines.
    var received: [UInt8] = []
    while true {
      let bytes = child.read()
      guard !bytes.isEmpty else { break }
      received += bytes
      link.flush()
    }
    wantsOutput = link.wantsOutput
    #expect(!wantsOutput)
    let lines = received.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    #expect(lines.last?.isEmpty == true)
    #expect(lines.dropLast().allSatisfy { $0.count == lines[0].count })
    #expect((26..<900).contains(lines.count - 1), "\(lines.count)")
  }

  /// The bytes and descriptors of one recvmsg(2).
  private func receive() -> (text: String, descriptors: [CInt]) {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var descriptors = [CInt](repeating: -1, count: 4)
    var found = 0
    let count = socket_receive_descriptors(
      child.descriptor.rawValue, &bytes, bytes.count, &descriptors, descriptors.count, &found)
    return (String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self), Array(descriptors.prefix(found)))
  }

  private static func inode(_ descriptor: CInt) -> ino_t {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0
  }

  @Test func `descriptors come with their lines, also when the child reads late`() throws {
    var link = ChildLink(descriptor: supervisor)
    let passed = try FileDescriptor.open("/dev/null", .readOnly)
    defer { try? passed.close() }
    // Fills the socket: what follows waits.
    let filler = JSONValue.object(["op": .string(String(repeating: "x", count: 60_000))])
    for _ in 0..<5 { link.send(filler) }
    link.send(["op": "a"])
    for name in ["b", "c"] { link.send(["op": .string(name)], passing: passed) }
    link.send(["op": "d"])
    var (text, carriers): (String, [String]) = ("", [])
    for _ in 0..<10_000 where !text.hasSuffix("{\"op\":\"d\"}\n") {
      let part = receive()
      text += part.text
      for descriptor in part.descriptors {
        #expect(Self.inode(descriptor) == Self.inode(passed.rawValue))
        close(descriptor)
        carriers.append(part.text)
      }
      link.flush()
    }
    #expect(text.split(separator: "\n").suffix(4) == ["a", "b", "c", "d"].map { "{\"op\":\"\($0)\"}" })
    // No part has two descriptors, and none comes before the one of its line.
    try #require(carriers.count == 2)
    #expect(carriers[0].hasSuffix("{\"op\":\"b\"}\n") && carriers[1].contains("{\"op\":\"c\"}\n"))
  }
}
