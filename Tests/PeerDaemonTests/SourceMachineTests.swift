// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import PeerDaemon
import Testing
import WireProtocol

@Suite struct SourceMachineTests {
  private let source: PeerID
  private let content: Content

  init() throws {
    source = try #require(PeerID(hex: String(repeating: "cd", count: 32)))
    let root = try #require(Digest(hex: String(repeating: "ab", count: 32)))
    content = try #require(Content(root: root, size: 100_000))
  }

  private func begun() throws -> (SourceMachine, [String]) {
    var machine = SourceMachine(source: source)
    var output = JSONWriter()
    machine.greet(as: source, try PeerName("bob"), to: &output)
    machine.want(content, to: &output)
    machine.request(.hashes(try leaves()), to: &output)
    machine.request(.blocks(0..<7), to: &output)
    return (machine, lines(output))
  }

  private func leaves() throws -> HashRange { try #require(HashRange.leaves(around: 0, of: content)) }

  private func lines(_ output: JSONWriter) -> [String] {
    String(decoding: output.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func reply(_ machine: inout SourceMachine, _ line: String) throws -> SourceMachine.Line {
    var reader = JSONReader()
    return try reader.read(Array(line.utf8)) { try machine.received($0) }
  }

  private func hello(_ peer: PeerID, inflight: Int = 64, get: Int = 32_768) -> String {
    #"{"id":1,"status":200,"protocol":1,"peer":"\#(peer)","name":"a","limits":{"get":\#(get),"inflight":\#(inflight)}}"#
  }

  @Test func `small document is requested in one round trip`() throws {
    let (_, lines) = try begun()
    #expect(lines.map { $0.contains("\"op\":\"hello\"") } == [true, false, false, false])
    #expect(lines[1].contains("\"op\":\"have\""))
    #expect(lines[2].contains("\"op\":\"hashes\"") && lines[2].contains("\"length\":8"))
    #expect(lines[3].contains("\"offset\":0,\"length\":100000"))
  }

  @Test func `a pass is shown with hello, and another one before further requests`() throws {
    let passes = (0..<2).map { number in
      SignedPass(
        Pass(network: source, peer: source, role: .reader, expires: Timestamp(seconds: Int64(number))),
        signature: [UInt8](repeating: 0, count: 64))
    }
    var machine = SourceMachine(source: source)
    var output = JSONWriter()
    machine.greet(as: source, try PeerName("bob"), with: passes[0], to: &output)
    machine.show(passes[1], to: &output)
    #expect(
      lines(output).count == 1 && lines(output)[0].contains(passes[0].text), "not before the other has said hello")
    #expect(try reply(&machine, hello(source)) == .answer)
    output = JSONWriter()
    machine.show(passes[0], to: &output)
    machine.show(nil, to: &output)
    #expect(lines(output).isEmpty)
    machine.show(passes[1], to: &output)
    machine.show(passes[1], to: &output)
    #expect(lines(output) == [#"{"id":2,"op":"pass","pass":"\#(passes[1].text)"}"#])
    machine.want(content, to: &output)
    #expect(try reply(&machine, #"{"id":2,"status":200}"#) == .answer)
    #expect(try reply(&machine, #"{"id":3,"status":200,"piece":262144,"complete":true}"#) == .holding(.complete))
    #expect(machine.isIdle)
  }

  @Test func `bodies follow the order of the requests`() throws {
    var (machine, _) = try begun()
    #expect(try reply(&machine, hello(source)) == .answer)
    #expect(try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":true}"#) == .holding(.complete))
    let hashes = try reply(&machine, #"{"id":3,"status":200,"hashes":8}"#)
    #expect(hashes == .body(.hashes(try leaves()), count: 256))
    let bytes = try reply(&machine, #"{"id":4,"status":200,"offset":0,"length":100000}"#)
    #expect(bytes == .body(.blocks(0..<7), count: 100_000))
    #expect(!machine.isIdle, "the bodies have not come yet")
    machine.finished()
    machine.finished()
    #expect(machine.isIdle)
  }

  @Test func `requests keep to the limits of the source`() throws {
    var machine = SourceMachine(source: source)
    var output = JSONWriter()
    machine.greet(as: source, try PeerName("bob"), to: &output)
    machine.want(content, to: &output)
    #expect(lines(output).count == 2)
    _ = try reply(&machine, hello(source, inflight: 3))
    _ = try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":true}"#)
    #expect(machine.isIdle)
    var requests = JSONWriter()
    machine.request(.blocks(2..<7), to: &requests)
    machine.request(.blocks(0..<2), to: &requests)
    // Two blocks at a time, three requests at a time.
    #expect(lines(requests).count == 3)
    #expect(lines(requests)[0].contains("\"offset\":32768,\"length\":32768"))
    #expect(lines(requests)[2].contains("\"offset\":98304,\"length\":1696"))
    _ = try reply(&machine, #"{"id":3,"status":200,"offset":32768,"length":32768}"#)
    var next = JSONWriter()
    machine.proceed(to: &next)
    #expect(lines(next).count == 1)
    #expect(lines(next)[0].contains("\"offset\":0,\"length\":32768"))
  }

  @Test func `source that gives less than a block is refused`() throws {
    var (machine, _) = try begun()
    #expect(throws: SourceFailure.self) { try reply(&machine, hello(source, get: 1)) }
  }

  @Test func `event does not count as a reply`() throws {
    var (machine, _) = try begun()
    #expect(try reply(&machine, #"{"event":"news"}"#) == .ignored)
    let other = #"{"event":"have","content":"\#(content.root)","size":100001,"pieces":[[0,1]]}"#
    #expect(try reply(&machine, other) == .ignored, "about another content")
    #expect(try reply(&machine, hello(source)) == .answer)
  }

  @Test func `other peer is rejected`() throws {
    var (machine, _) = try begun()
    let other = try #require(PeerID(hex: String(repeating: "ee", count: 32)))
    #expect(throws: SourceFailure.otherPeer(other)) { try reply(&machine, hello(other)) }
  }

  @Test func `partial source tells what it has and what it gets`() throws {
    var (machine, _) = try begun()
    _ = try reply(&machine, hello(source))
    let none = try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":false,"pieces":"AA=="}"#)
    #expect(none == .holding(.pieces(PieceSet(count: 1))))
    let lacks = try reply(&machine, #"{"id":3,"status":404,"error":"not-found","message":"not yet"}"#)
    #expect(lacks == .lacks(.hashes(try leaves())), "no lie")
    let gained = #"{"event":"have","content":"\#(content.root)","size":100000,"pieces":[[0,1]]}"#
    #expect(try reply(&machine, gained) == .gained([0..<1]))
    let all = #"{"event":"have","content":"\#(content.root)","size":100000,"complete":true}"#
    #expect(try reply(&machine, all) == .holding(.complete))
    #expect(throws: SourceFailure.refused(WireFailure(.notFound, "gone"))) {
      try reply(&machine, #"{"id":4,"status":404,"error":"not-found","message":"gone"}"#)
    }
  }

  @Test func `source that does not say which part it has is rejected`() throws {
    var (machine, _) = try begun()
    _ = try reply(&machine, hello(source))
    #expect(throws: SourceFailure.self) {
      try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":false,"pieces":"AAAA"}"#)
    }
  }

  @Test func `refusal of the connection is recognised`() throws {
    var (machine, _) = try begun()
    #expect(throws: SourceFailure.refused(WireFailure(.tooMany, "enough", retryAfter: 5))) {
      try reply(
        &machine, #"{"id":null,"status":429,"error":"too-many","message":"enough","retry_after":5}"#)
    }
  }

  @Test(arguments: [
    #"{"id":2,"status":200}"#, #"{"status":200}"#, #"{"id":1,"status":"200"}"#, #"{"id":1,"status":200,"peer":"x"}"#,
  ])
  func `malformed reply is rejected`(_ line: String) throws {
    var (machine, _) = try begun()
    #expect(throws: SourceFailure.self) { try reply(&machine, line) }
  }

  @Test func `reply with other bytes is rejected`() throws {
    var (machine, _) = try begun()
    _ = try reply(&machine, hello(source))
    _ = try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":true}"#)
    _ = try reply(&machine, #"{"id":3,"status":200,"hashes":8}"#)
    #expect(throws: SourceFailure.self) {
      try reply(&machine, #"{"id":4,"status":200,"offset":0,"length":100001}"#)
    }
  }

  @Test func `reason of a refusal is reported`() throws {
    var (machine, _) = try begun()
    _ = try reply(&machine, hello(source))
    #expect(throws: SourceFailure.refused(WireFailure(.notFound, "gone"))) {
      try reply(&machine, #"{"id":2,"status":404,"error":"not-found","message":"gone"}"#)
    }
  }
}
