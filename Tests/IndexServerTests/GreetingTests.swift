// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import IndexServer
import LineJSON
import NIOCore
import Testing
import WireProtocol

/// `hello`, and what comes before it.
@Suite struct GreetingTests {
  @Test func `hello states limits and the address seen`() throws {
    let connection = try EmbeddedConnection(IndexService(), from: "192.0.2.7", to: "192.0.2.1")
    let reply = try connection.ask(Wire.hello())
    #expect(reply.outcome == "200")
    #expect(reply["id"] == 1 && reply["protocol"] == 1 && reply["host"] == "192.0.2.7")
    #expect(reply["server"] == "p2p-index/0.1.0")
    let limits = try #require(reply["limits"]?.object)
    for (name, value) in IndexLimits().named { #expect(limits["\(name)"] == .integer(Int64(value))) }
    #expect(limits["line"] == 1_048_576 && limits["batch"] == 1000 && limits["inflight"] == 256)
    #expect(limits["idle"] == 10 && limits["holders"] == 50 && limits["hello"] == 30)
  }

  @Test(arguments: ["add", "remove", "lookup", "list", "peers", "stats", "ping"])
  func `nothing is answered before hello`(operation: String) throws {
    let connection = try EmbeddedConnection(IndexService())
    let more = operation == "lookup" ? #","key":"rfc/1""# : #","documents":[]"#
    let request = #"{"id":9,"op":"\#(operation)"\#(more)}"#
    #expect(try connection.send(raw: request + "\n" + Wire.hello() + "\n").map(\.outcome) == ["400 hello-required"])
    connection.pass(.seconds(1))
    #expect(!connection.isOpen)
  }

  @Test func `other protocol is refused and the connection goes on`() throws {
    let connection = try EmbeddedConnection(IndexService())
    let other = Wire.hello().replacing(#""protocol":1"#, with: #""protocol":2"#)
    #expect(try connection.ask(other).outcome == "505 unsupported-protocol")
    #expect(try connection.ask(Wire.hello()).outcome == "200")
  }

  @Test func `second hello is refused`() throws {
    let connection = try EmbeddedConnection(IndexService())
    try connection.send(Wire.hello())
    #expect(try connection.ask(Wire.hello(name: "mallory")).outcome == "400 bad-request")
  }

  @Test(
    arguments: [
      Wire.hello(peer: "abc"), Wire.hello(peer: String(repeating: "A", count: 64)), Wire.hello(name: "-x"),
      Wire.hello(name: "supervisor"), Wire.hello(port: 0), Wire.hello(port: 65_536), Wire.hello(port: -1),
      Wire.hello(more: #","advertise":7"#), Wire.hello(more: #","advertise":"example.org""#),
      #"{"id":1,"op":"hello","protocol":1}"#, #"{"id":1,"op":"hello"}"#,
    ])
  func `bad hello ends the connection`(line: String) throws {
    let connection = try EmbeddedConnection(IndexService())
    #expect(try connection.send(raw: line + "\n" + Wire.hello() + "\n").map(\.outcome) == ["400 bad-request"])
    connection.pass(.seconds(1))
    #expect(!connection.isOpen)
  }

  @Test(arguments: HostileLineTests.unreadable + ["{}", #"{"id":1}"#, #"{"op":"ping"}"#, #"{"id":"1","op":"ping"}"#])
  func `invalid line before hello ends the connection`(line: String) throws {
    let service = IndexService()
    let connection = try EmbeddedConnection(service)
    let rest = [Wire.hello(), Wire.add(Wire.document("rfc/1"))].joined(separator: "\n")
    #expect(try connection.send(raw: line + "\n" + rest + "\n").map(\.outcome) == ["400 bad-request"])
    #expect(try connection.send(raw: rest + "\n").isEmpty)
    connection.pass(.seconds(1))
    #expect(!connection.isOpen)
    #expect(service.statistics.sessions == 0)
  }

  @Test func `unknown operation before hello ends the connection`() throws {
    let connection = try EmbeddedConnection(IndexService())
    let replies = try connection.send(raw: #"{"id":1,"op":"dance"}"# + "\n" + Wire.hello() + "\n")
    #expect(replies.map(\.outcome) == ["400 hello-required"])
  }

  @Test func `browser cannot add records in the body of a request`() throws {
    let service = IndexService()
    let connection = try EmbeddedConnection(service)
    let body = [Wire.hello(), Wire.add(Wire.document("rfc/1"))].joined(separator: "\n") + "\n"
    let header = "POST / HTTP/1.1\r\nHost: 127.0.0.1:7734\r\nContent-Type: text/plain\r\n\r\n"
    #expect(try connection.send(raw: header + body).map(\.outcome) == ["400 bad-request"])
    #expect(service.statistics.records == 0)
  }

  @Test func `connection without hello is closed in time`() throws {
    let connection = try EmbeddedConnection(IndexService())
    connection.pass(.seconds(29))
    #expect(try connection.written().isEmpty)
    connection.pass(.seconds(1))
    let farewell = try #require(try connection.written().first)
    #expect(farewell.outcome == "400 hello-required")
    #expect(farewell["id"] == .null && farewell["limit"] == "hello" && farewell["value"] == 30)
    connection.pass(.seconds(1))
    #expect(!connection.isOpen)
  }

  @Test func `session that only asks is kept`() throws {
    let connection = try EmbeddedConnection(IndexService())
    try connection.send(Wire.hello())
    connection.pass(.hours(24))
    #expect(try connection.ask(#"{"id":2,"op":"ping"}"#).outcome == "200")
  }

  // MARK: Addresses

  @Test func `loopback holder is reported under the address that the client reached`() throws {
    let service = IndexService()
    let holder = try EmbeddedConnection(service)
    try holder.send(Wire.hello())
    try holder.send(Wire.add(Wire.document("rfc/1")))
    let near = try EmbeddedConnection(service)
    try near.send(Wire.hello(peer: Wire.bob))
    #expect(try near.ask(Wire.lookup("rfc/1")).holders.first?["host"] == "127.0.0.1")
    let far = try EmbeddedConnection(service, from: "2001:db8::7", to: "2001:db8::1")
    try far.send(Wire.hello(peer: Wire.bob))
    #expect(try far.ask(Wire.lookup("rfc/1")).holders.first?["host"] == "2001:db8::1")
    let listed = try far.ask(#"{"id":3,"op":"list"}"#).rows("documents").first?.rows("holders").first
    #expect(listed?["host"] == "2001:db8::1")
    let peers = try far.ask(#"{"id":4,"op":"peers"}"#).rows("peers")
    #expect(peers.first?["host"] == "2001:db8::1")
  }

  @Test func `advertised address within the ranges is reported`() throws {
    let service = IndexService(addresses: HolderAddresses(advertisable: [try AddressRange("203.0.113.0/24")]))
    let holder = try EmbeddedConnection(service, from: "192.0.2.7", to: "192.0.2.1")
    let hello = try holder.ask(Wire.hello(more: #","advertise":"203.0.113.9""#))
    #expect(hello["host"] == "192.0.2.7" && hello["advertised"] == true)
    try holder.send(Wire.add(Wire.document("rfc/1")))
    #expect(try holder.ask(Wire.lookup("rfc/1")).holders.first?["host"] == "203.0.113.9")
  }

  @Test func `advertised address outside the ranges is not reported`() throws {
    let service = IndexService(addresses: HolderAddresses(advertisable: [try AddressRange("203.0.113.0/24")]))
    let holder = try EmbeddedConnection(service, from: "192.0.2.7", to: "192.0.2.1")
    let hello = try holder.ask(Wire.hello(more: #","advertise":"198.51.100.1""#))
    #expect(hello["advertised"] == false)
    try holder.send(Wire.add(Wire.document("rfc/1")))
    #expect(try holder.ask(Wire.lookup("rfc/1")).holders.first?["host"] == "192.0.2.7")
  }

  @Test func `link-local address is never reported to others`() throws {
    let service = IndexService()
    let holder = try EmbeddedConnection(service, from: "fe80::7", to: "fe80::1")
    #expect(try holder.ask(Wire.hello()).outcome == "200")
    #expect(try holder.ask(Wire.add(Wire.document("rfc/1"))).outcome == "403 forbidden")
    #expect(try holder.ask(#"{"id":4,"op":"peers"}"#).rows("peers").isEmpty)
  }
}
