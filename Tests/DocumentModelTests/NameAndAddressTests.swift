// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing

@Suite struct PeerNameTests {
  @Test(arguments: ["alice", "_a", "A.b-c_9", "7", "Index", "supervisors", String(repeating: "a", count: 32)])
  func `valid names are read`(_ text: String) throws {
    #expect(try PeerName(text).text == text)
  }

  @Test(arguments: [
    "", "index", "supervisor", ".a", "-a", "a/b", "é", "a b", "a\n", "..", String(repeating: "a", count: 33),
  ])
  func `invalid names are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try PeerName(text) }
  }

  @Test func `only listed characters are allowed`() {
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-".utf8)
    for byte in UInt8(0)...0x7F {
      let text = "a" + String(UnicodeScalar(byte))
      #expect(((try? PeerName(text)) != nil) == allowed.contains(byte), "\(byte)")
    }
  }
}

@Suite struct EndpointTests {
  @Test(
    arguments: [
      ("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:80", "::1", 80), (":7734", "", 7734), ("h", "h", 7734),
      ("[::1]", "::1", 7734), ("h:0", "h", 0), ("h:65535", "h", 65_535), ("h:007", "h", 7), ("", "", 7734),
    ] as [(String, String, UInt16)])
  func `addresses are read`(_ text: String, _ host: String, _ port: UInt16) throws {
    #expect(try Endpoint(text, defaultPort: 7734) == Endpoint(host: host, port: port))
  }

  @Test(arguments: [
    "h:", "h:65536", "h:x", "h:+80", "h:-0", "h: 80", "h:8０", "::1:80", "[::1", "[::1]x", "[::1]80", "a b:1", "h\n:1",
    "é:1", "h", String(repeating: "h", count: 254) + ":1",
  ])
  func `malformed addresses are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try Endpoint(text) }
  }

  @Test func `an error message is escaped for a terminal`() throws {
    let refusal = try #require(throws: InvalidValue.self) { try Endpoint("\u{1B}[2J:1") }
    #expect(refusal.reason == "\\u{1B}[2J:1: this is not a host name")
    #expect("\(refusal)" == refusal.reason)
  }

  @Test(arguments: ["", ":7734", "h:0", "[]:7734"])
  func `a destination has a host and a port`(_ text: String) throws {
    _ = try Endpoint(text, defaultPort: 7734)
    #expect(throws: InvalidValue.self) { try Endpoint(destination: text, defaultPort: 7734) }
  }

  @Test(
    arguments: [
      ("127.0.0.1:7734", 7734, "127.0.0.1"), ("[2001:db8::1]:1", 1, "2001:db8::1"), (":0", 0, ""),
      ("example.org:80", 80, "example.org"),
    ] as [(String, UInt16, String)])
  func `addresses are written as they are read`(_ text: String, _ port: UInt16, _ host: String) throws {
    #expect("\(Endpoint(host: host, port: port))" == text)
    #expect(try Endpoint(text) == Endpoint(host: host, port: port))
  }

  @Test(arguments: [
    ("localhost", true), ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("0:0:0:0:0:0:0:1", true),
    ("::ffff:127.0.0.1", true), ("::2", false), ("", false), ("0.0.0.0", false),
    ("::", false), ("192.0.2.7", false), ("127.example.org", false), ("10.127.0.1", false),
    ("localhost.example", false),
  ])
  func `loopback addresses are recognised`(_ host: String, _ isLoopback: Bool) {
    #expect(Endpoint(host: host, port: 1).isLoopback == isLoopback)
  }

  @Test(arguments: [
    ("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("127.9.9.9", "127.0.0.1"), ("::1", "::1"),
    ("0:0::1", "::1"), ("192.0.2.7", ""), ("index.example", ""), ("2001:db8::1", ""),
  ])
  func `peer listens in the family of its index`(_ index: String, _ host: String) {
    #expect(Endpoint(host: index, port: 1).defaultPeerHost == host)
  }

  @Test func `the default index is on this machine`() {
    #expect("\(Endpoint.defaultIndex)" == "127.0.0.1:7734")
    #expect(Endpoint.defaultIndex.isLoopback)
  }
}

@Suite struct HostAddressTests {
  @Test(
    arguments: [
      ("192.0.2.7", "192.0.2.7"), ("::1", "::1"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
      ("::ffff:192.0.2.7", "192.0.2.7"), ("::FFFF:c000:0207", "192.0.2.7"), ("::", "::"), ("0.0.0.0", "0.0.0.0"),
    ])
  func `addresses have one canonical text`(text: String, canonical: String) throws {
    #expect(try #require(HostAddress(text)).text == canonical)
    #expect(HostAddress(text) == HostAddress(canonical))
  }

  @Test(arguments: [
    "", "localhost", "192.0.2", "192.0.2.256", "192.0.2.7 ", "fe80::1%eth0", "[::1]", "::1::", "192.0.2.7:80", "1",
    "192.0.2.7\u{0}x", "::ffff:192.0.2.256",
  ])
  func `names and malformed addresses are refused`(text: String) {
    #expect(HostAddress(text) == nil)
  }

  @Test(
    arguments: [
      ("192.0.2.7", true), ("10.0.0.1", true), ("127.0.0.1", false), ("0.0.0.0", false), ("169.254.1.1", false),
      ("169.253.1.1", true), ("224.0.0.1", false), ("255.255.255.255", false), ("::1", false), ("::", false),
      ("fe80::1", false), ("febf::1", false), ("fec0::1", true), ("ff02::1", false), ("2001:db8::1", true),
      ("::ffff:127.0.0.1", false), ("::ffff:192.0.2.7", true), ("::2:1", true),
    ])
  func `addresses of one link or machine are not global`(text: String, isGlobal: Bool) throws {
    #expect(try #require(HostAddress(text)).isGlobalUnicast == isGlobal)
  }
}
