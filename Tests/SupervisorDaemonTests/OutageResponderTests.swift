// SPDX-License-Identifier: Apache-2.0

import Glibc
import SupervisorDaemon
import SystemPackage
import Testing

@Suite struct OutageResponderTests {
  private let now = SuspendingClock.now
  private let line = Array("{\"status\":503}\n".utf8)

  /// A caller and the supervisor's end of its connection.
  private func connection() throws -> (caller: FileDescriptor, accepted: FileDescriptor) {
    let ends = try ChildLink.pair()
    return (ends.child, ends.link)
  }

  private func read(_ descriptor: FileDescriptor) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
      count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  @Test func `caller gets one line and the end of input`() throws {
    let (caller, accepted) = try connection()
    defer { try? caller.close() }
    var responder = OutageResponder()
    responder.answer(accepted, with: line, now: now)
    #expect(try read(caller) == line)
    #expect(try read(caller).isEmpty)
    #expect(responder.descriptors == [accepted.rawValue])
    responder.closeAll()
    #expect(responder.descriptors.isEmpty)
  }

  @Test func `connection is closed when its caller closes`() throws {
    let (caller, accepted) = try connection()
    var responder = OutageResponder()
    responder.answer(accepted, with: line, now: now)
    responder.closeExpired(now: now)
    #expect(responder.descriptors.count == 1, "the caller may still be sending")
    try caller.close()
    responder.closeExpired(now: now)
    #expect(responder.descriptors.isEmpty)
    #expect(responder.deadline == nil)
  }

  @Test func `connection is closed after a second`() throws {
    let (caller, accepted) = try connection()
    defer { try? caller.close() }
    var responder = OutageResponder()
    responder.answer(accepted, with: line, now: now)
    let end = now.advanced(by: .seconds(1))
    #expect(responder.deadline == end)
    responder.closeExpired(now: end)
    #expect(responder.descriptors.isEmpty)
  }

  @Test func `input is discarded up to 64 KiB`() throws {
    let (caller, accepted) = try connection()
    defer { try? caller.close() }
    var responder = OutageResponder()
    responder.answer(accepted, with: line, now: now)
    let part = [UInt8](repeating: 0x20, count: 16_384)
    for _ in 0..<3 {
      try caller.writeAll(part)
      responder.closeExpired(now: now)
      #expect(responder.descriptors.count == 1)
    }
    try caller.writeAll(part)
    responder.closeExpired(now: now)
    #expect(responder.descriptors.isEmpty)
  }

  @Test func `oldest connection makes room for new ones`() throws {
    var responder = OutageResponder()
    var callers: [FileDescriptor] = []
    defer { for caller in callers { try? caller.close() } }
    var first: FileDescriptor?
    for number in 0..<65 {
      let (caller, accepted) = try connection()
      callers.append(caller)
      if number == 0 { first = accepted }
      responder.answer(accepted, with: line, now: now)
    }
    #expect(responder.descriptors.count == 64)
    #expect(try !responder.descriptors.contains(#require(first).rawValue))
    responder.closeAll()
  }
}
