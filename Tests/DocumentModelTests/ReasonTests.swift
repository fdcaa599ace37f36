// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing

/// Every refusal names the rule that is broken: people read it, and programs of others send it on.
@Suite struct ReasonTests {
  private func reason<Value>(_ make: () throws(InvalidValue) -> Value) -> String? {
    do throws(InvalidValue) {
      _ = try make()
      return nil
    } catch {
      return error.reason
    }
  }

  @Test(
    arguments: [
      ("", "a key is collection/name, such as rfc/793 or file/paper.pdf"),
      ("rfc", "a key is collection/name, such as rfc/793 or file/paper.pdf"),
      ("/x", "a collection is 1 to 32 of a-z, 0-9 and -"), ("RFC/1", "a collection is 1 to 32 of a-z, 0-9 and -"),
      ("file/", "a name has 1 to 512 bytes"), ("file/a\u{7}", "a name must not contain control characters"),
      ("file//x", "a segment of a name must not be empty, . or .."),
      ("file/a/..", "a segment of a name must not be empty, . or .."),
      ("file/e\u{301}", "a key must be in Unicode normal form C"),
      ("rfc/07", "the name of an RFC is its number without leading zeros"),
      ("rfc/x", "the name of an RFC is its number without leading zeros"),
    ])
  func `keys`(text: String, expected: String) {
    #expect(reason { () throws(InvalidValue) in try DocumentKey(text) } == expected)
  }

  @Test(
    arguments: [
      ("a\tb", "a title must not contain control characters"),
      ("\u{202E}", "a title must not contain bidirectional controls"),
      ("e\u{301}", "a title must be in Unicode normal form C"),
      (String(repeating: "t", count: 513), "a title has at most 512 bytes"),
    ])
  func `titles`(text: String, expected: String) {
    #expect(reason { () throws(InvalidValue) in try Title(text) } == expected)
  }

  @Test(
    arguments: [
      ("index", "the name index is reserved"), ("supervisor", "the name supervisor is reserved"),
      (
        ".x",
        "a peer name is 1 to 32 letters, digits, dots, dashes and underscores, and does not begin with a dot or a dash"
      ),
    ])
  func `peer names`(text: String, expected: String) {
    #expect(reason { () throws(InvalidValue) in try PeerName(text) } == expected)
  }

  @Test(
    arguments: [
      ("a b:1", "this is not a host name"), ("h", "the port is missing: HOST:PORT"),
      ("h:x", "a port is a number from 0 to 65535"), ("h:65536", "a port is a number from 0 to 65535"),
      ("::1:80", "put an IPv6 address in brackets: [::1]:7734"), ("[::1", "a ] is missing"),
      ("[::1]80", "only :PORT may follow ]"),
    ])
  func `addresses`(text: String, expected: String) {
    #expect(reason { () throws(InvalidValue) in try Endpoint(text) } == "\(text): \(expected)")
  }

  @Test func `destinations`() {
    let expected = "an address to connect to has a host and a port from 1 to 65535"
    #expect(reason { () throws(InvalidValue) in try Endpoint(destination: "h:0") } == "h:0: \(expected)")
    #expect(reason { () throws(InvalidValue) in try Endpoint(destination: ":1") } == ":1: \(expected)")
    #expect(reason { () throws(InvalidValue) in try Endpoint(destination: "h:1") } == nil)
  }

  @Test(
    arguments: [
      ("x/8", "expected a range of addresses such as 10.0.0.0/8 or 2001:db8::/32"),
      ("10.0.0.0/33", "the prefix length is a number from 0 to 32"),
      ("2001:db8::/129", "the prefix length is a number from 0 to 128"),
    ])
  func `ranges`(text: String, expected: String) {
    #expect(reason { () throws(InvalidValue) in try AddressRange(text) } == expected)
  }

  @Test func `times`() {
    #expect(
      reason { () throws(InvalidValue) in try Timestamp("yesterday") }
        == "expected a time such as 1981-09-01T00:00:00Z (RFC 3339)")
  }
}

@Suite struct ListingTests {
  @Test func `a holder is the same at the same address only`() throws {
    let holder = Holder(
      peer: PeerID(digest: .zero), name: try PeerName("a"), host: "192.0.2.7", port: 1, complete: true)
    let elsewhere = Holder(peer: holder.peer, name: holder.name, host: holder.host, port: 2, complete: true)
    let partial = Holder(peer: holder.peer, name: holder.name, host: holder.host, port: 1, complete: false)
    #expect(Set([holder, elsewhere, partial, holder]).count == 3)
  }
}
