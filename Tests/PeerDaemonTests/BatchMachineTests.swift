// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Many small contents over one connection.
@Suite struct BatchMachineTests {
  private func content(_ number: UInt8, size: Int64 = 10) throws -> Content {
    let root = try #require(Digest(bytes: [UInt8](repeating: number, count: 32)))
    return try #require(Content(root: root, size: size))
  }

  /// The ids and operations that the machine has sent.
  private func sent(_ body: (inout JSONWriter) -> Void) throws -> [String] {
    var output = JSONWriter()
    body(&output)
    var reader = JSONReader()
    return try String(decoding: output.bytes, as: UTF8.self).split(separator: "\n").map { line in
      try reader.read(Array(line.utf8)) { "\($0["id"]?.integer ?? 0) \($0["op"]?.string ?? "")" }
    }
  }

  private func receive(_ machine: inout BatchMachine, _ line: String) throws -> BatchMachine.Line {
    var reader = JSONReader()
    return try reader.read(Array(line.utf8)) { try machine.received($0) }
  }

  private let bob: PeerName

  init() throws {
    bob = try PeerName("bob")
  }

  private let hello =
    #"{"id":1,"status":200,"protocol":1,"peer":"\#(Swarm.id("alice").hex)","name":"alice","limits":{"inflight":2}}"#

  @Test func `a pass is shown with hello, and another one between requests`() throws {
    let passes = (0..<2).map { number in
      SignedPass(
        Pass(
          network: Swarm.id("index"), peer: Swarm.id("bob"), role: .reader, expires: Timestamp(seconds: Int64(number))),
        signature: [UInt8](repeating: 0, count: 64))
    }
    var machine = BatchMachine(source: Swarm.id("alice"))
    #expect(try sent { machine.greet(as: Swarm.id("bob"), bob, with: passes[0], to: &$0) } == ["1 hello"])
    #expect(try sent { machine.show(passes[1], to: &$0) }.isEmpty)
    #expect(try receive(&machine, hello) == .answer)
    #expect(try sent { machine.show(passes[0], to: &$0) }.isEmpty)
    #expect(try sent { machine.show(passes[1], to: &$0) } == ["2 pass"])
    machine.add(0, try content(1))
    #expect(try sent { machine.proceed(to: &$0) } == ["3 get"])
    #expect(try receive(&machine, #"{"id":2,"status":200}"#) == .answer)
    #expect(try receive(&machine, #"{"id":3,"status":200,"offset":0,"length":10}"#) == .body(0, count: 10))
  }

  @Test func `requests wait for hello, and no more are under way than the source allows`() throws {
    var machine = BatchMachine(source: Swarm.id("alice"))
    for number in 0..<3 { machine.add(number, try content(UInt8(number + 1))) }
    #expect(try sent { machine.greet(as: Swarm.id("bob"), bob, to: &$0) } == ["1 hello"])
    #expect(try sent { machine.proceed(to: &$0) }.isEmpty)
    #expect(try receive(&machine, hello) == .answer)
    #expect(try sent { machine.proceed(to: &$0) } == ["2 get", "3 get"])
    #expect(try receive(&machine, #"{"id":2,"status":200,"offset":0,"length":10}"#) == .body(0, count: 10))
    #expect(try sent { machine.proceed(to: &$0) } == ["4 get"])
    let lacks = try receive(&machine, #"{"id":3,"status":404,"error":"not-found","message":"no"}"#)
    #expect(lacks == .lacks(1, .refused(WireFailure(.notFound, "no"))))
    #expect(try receive(&machine, #"{"event":"have","content":"x","size":1,"complete":true}"#) == .answer)
    #expect(!machine.isIdle)
    #expect(try receive(&machine, #"{"id":4,"status":200,"offset":0,"length":10}"#) == .body(2, count: 10))
    #expect(machine.isIdle)
  }

  @Test(arguments: [
    #"{"id":3,"status":200,"offset":0,"length":10}"#, #"{"id":2,"status":200,"offset":1,"length":10}"#,
    #"{"id":2,"status":200,"offset":0,"length":9}"#, #"{"id":2,"status":200}"#, #"{"status":200}"#,
    #"{"id":null,"status":503,"error":"too-many","message":"no"}"#,
  ])
  func `source that answers something else is left`(line: String) throws {
    var machine = BatchMachine(source: Swarm.id("alice"))
    machine.add(0, try content(1))
    _ = try sent { machine.greet(as: Swarm.id("bob"), bob, to: &$0) }
    _ = try receive(&machine, hello)
    _ = try sent { machine.proceed(to: &$0) }
    #expect(throws: SourceFailure.self) { try receive(&machine, line) }
  }

  @Test func `another peer than the index named is left`() throws {
    var machine = BatchMachine(source: Swarm.id("carol"))
    _ = try sent { machine.greet(as: Swarm.id("bob"), bob, to: &$0) }
    #expect(throws: SourceFailure.otherPeer(Swarm.id("alice"))) { try receive(&machine, hello) }
  }
}
