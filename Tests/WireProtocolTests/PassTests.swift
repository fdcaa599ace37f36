// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing
import WireProtocol

@Suite struct PassTests {
  private static let network = String(repeating: "0a", count: 32)
  private static let peer = String(repeating: "b1", count: 32)
  private static let signature = [UInt8](0..<64)

  private static func pass() throws -> Pass {
    Pass(
      network: try #require(PeerID(hex: network)), peer: try #require(PeerID(hex: peer)), role: .publisher,
      expires: try Timestamp("2026-03-01T12:10:00Z"))
  }

  @Test func `text is payload, dot and signature`() throws {
    let signed = SignedPass(try Self.pass(), signature: Self.signature)
    let json =
      #"{"network":"\#(Self.network)","peer":"\#(Self.peer)","role":"publisher","expires":"2026-03-01T12:10:00Z"}"#
    #expect(signed.text == "\(Base64URL.encode(json.utf8)).\(Base64URL.encode(Self.signature))")
    #expect(signed.signedBytes == Array("p2p-pass-v1\n".utf8) + Array(json.utf8))
    #expect(try SignedPass(signed.text) == signed)
    #expect(signed.text.utf8.count < SignedPass.maxLength)
  }

  /// The signature is over what was received: members in another order and unknown ones are part of it.
  @Test func `payload is kept as it was received`() throws {
    let json =
      #"{"later":1, "role":"reader","expires":"2026-03-01T12:10:00+00:00","peer":"\#(Self.peer)","network":"\#(Self.network)"}"#
    let text = "\(Base64URL.encode(json.utf8)).\(Base64URL.encode(Self.signature))"
    let signed = try SignedPass(text)
    #expect(signed.text == text)
    #expect(signed.signedBytes == SignedPass.domain + Array(json.utf8))
    #expect(signed.pass.role == .reader)
  }

  @Test(arguments: [
    "", ".", "..", "e30", "e30.", ".e30", "e30.AAAA", "e30.e30.e30",
    "e30." + String(repeating: "A", count: 86), "e30." + String(repeating: "A", count: 85) + "B",
    "bnVsbA." + String(repeating: "A", count: 86), String(repeating: "A", count: 1025),
  ])
  func `other text is refused`(text: String) {
    #expect(throws: InvalidValue.self) { try SignedPass(text) }
  }

  @Test func `a pass for nobody is refused`() throws {
    for role in ["none", "Reader", ""] {
      let json =
        #"{"network":"\#(Self.network)","peer":"\#(Self.peer)","role":"\#(role)","expires":"2026-03-01T12:10:00Z"}"#
      #expect(throws: InvalidValue.self) {
        try SignedPass("\(Base64URL.encode(json.utf8)).\(Base64URL.encode(Self.signature))")
      }
    }
  }

  @Test func `flipped bits give another pass, or none`() throws {
    let signed = SignedPass(try Self.pass(), signature: Self.signature)
    let text = Array(signed.text.utf8)
    for position in text.indices {
      for bit in 0..<8 {
        var bytes = text
        bytes[position] ^= 1 << bit
        guard let read = String(validating: bytes, as: UTF8.self).flatMap({ try? SignedPass($0) }) else { continue }
        #expect(read != signed)
        #expect(read.signedBytes != signed.signedBytes || read.signature != signed.signature)
      }
    }
  }
}
