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
    machine.fetch(from: 0, to: &output)
    return (machine, lines(output))
  }

  private func lines(_ output: JSONWriter) -> [String] {
    String(decoding: output.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func reply(_ machine: inout SourceMachine, _ line: String) throws -> SourceMachine.Line {
    var reader = JSONReader()
    return try reader.read(Array(line.utf8)) { try machine.received($0) }
  }

  private func hello(_ peer: PeerID, inflight: Int = 64) -> String {
    #"{"id":1,"status":200,"protocol":1,"peer":"\#(peer)","name":"a","limits":{"get":32768,"inflight":\#(inflight)}}"#
  }

  @Test func `small document is requested in one round trip`() throws {
    let (_, lines) = try begun()
    #expect(lines.map { $0.contains("\"op\":\"hello\"") } == [true, false, false, false])
    #expect(lines[1].contains("\"op\":\"have\""))
    #expect(lines[2].contains("\"op\":\"hashes\"") && lines[2].contains("\"length\":8"))
    #expect(lines[3].contains("\"offset\":0,\"length\":100000"))
  }

  @Test func `bodies follow the order of the requests`() throws {
    var (machine, _) = try begun()
    #expect(try reply(&machine, hello(source)) == .answer)
    #expect(try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":true}"#) == .willing)
    let hashes = try reply(&machine, #"{"id":3,"status":200,"hashes":8}"#)
    guard case .body(let nodes) = hashes else {
      Issue.record("hashes have a body")
      return
    }
    #expect(nodes.count == 256)
    let bytes = try reply(&machine, #"{"id":4,"status":200,"offset":0,"length":100000}"#)
    #expect(bytes == .body(.bytes(offset: 0, length: 100_000)))
  }

  @Test func `nothing is fetched before fetch is called`() throws {
    var machine = SourceMachine(source: source)
    var output = JSONWriter()
    machine.greet(as: source, try PeerName("bob"), to: &output)
    machine.want(content, to: &output)
    #expect(lines(output).count == 2)
    _ = try reply(&machine, hello(source))
    #expect(try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":true}"#) == .willing)
    #expect(machine.isIdle)
    var requests = JSONWriter()
    machine.proceed(to: &requests)
    #expect(requests.bytes.isEmpty)
    machine.fetch(from: 32_768, to: &requests)
    #expect(lines(requests).count == 4)
    #expect(lines(requests)[1].contains("\"offset\":32768,\"length\":32768"))
    #expect(!machine.isIdle)
  }

  @Test func `event does not count as a reply`() throws {
    var (machine, _) = try begun()
    #expect(try reply(&machine, #"{"event":"have","pieces":"AA=="}"#) == .event)
    #expect(try reply(&machine, hello(source)) == .answer)
  }

  @Test func `other peer is rejected`() throws {
    var (machine, _) = try begun()
    let other = try #require(PeerID(hex: String(repeating: "ee", count: 32)))
    #expect(throws: SourceFailure.otherPeer(other)) { try reply(&machine, hello(other)) }
  }

  @Test func `partial holder is rejected`() throws {
    var (machine, _) = try begun()
    _ = try reply(&machine, hello(source))
    #expect(throws: SourceFailure.incomplete) {
      try reply(&machine, #"{"id":2,"status":200,"piece":262144,"complete":false,"pieces":"AA=="}"#)
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
