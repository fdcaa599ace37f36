// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing

@Suite struct DigestTests {
  private let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

  @Test func `a digest keeps its bytes`() throws {
    let digest = try #require(Digest(hex: hex))
    #expect(digest.hex == hex)
    #expect(digest.description == hex)
    #expect(digest.bytes == Array(0...30) + [255])
    #expect(Digest(bytes: digest.bytes) == digest)
    #expect(Digest.zero.hex == String(repeating: "0", count: 64))
  }

  @Test func `every byte has two digits`() throws {
    for start in stride(from: 0, to: 256, by: 32) {
      let bytes = (start..<start + 32).map { UInt8($0) }
      let digest = try #require(Digest(bytes: bytes))
      let text = bytes.map { String($0 >> 4, radix: 16) + String($0 & 0xF, radix: 16) }.joined()
      #expect(digest.hex == text)
      #expect(Digest(hex: text) == digest)
    }
  }

  @Test func `digits are appended`() throws {
    var line = Array("content ".utf8)
    try #require(Digest(hex: hex)).appendHex(to: &line)
    #expect(String(decoding: line, as: UTF8.self) == "content " + hex)
  }

  @Test func `other lengths and digits are refused`() {
    #expect(Digest(hex: "") == nil)
    #expect(Digest(hex: String(hex.dropLast())) == nil)
    #expect(Digest(hex: hex + "0") == nil)
    #expect(Digest(hex: hex.uppercased()) == nil)
    for byte in ["g", "/", ":", "`", " ", "é"] { #expect(Digest(hex: hex.dropLast() + byte) == nil, "\(byte)") }
    #expect(Digest(bytes: [1, 2]) == nil)
    #expect(Digest(bytes: Array(repeating: 0, count: 31)) == nil)
    #expect(Digest(bytes: Array(repeating: 0, count: 33)) == nil)
  }

  @Test func `digits in place are read like others`() {
    for place in 0..<64 {
      for byte in UInt8.min ... .max {
        var digits = Array(hex.utf8)
        digits[place] = byte
        let inPlace = digits.withUnsafeBytes { Digest(hex: $0) }
        #expect(inPlace == Digest(hex: digits), "\(byte) at \(place)")
      }
    }
  }

  @Test func `digests are ordered by bytes`() throws {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<500 {
      let left = random.bytes(32)
      var right = left
      // Often the same but for one byte, wherever it stands.
      right[Int.random(in: 0..<32, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      let (one, other) = (try #require(Digest(bytes: left)), try #require(Digest(bytes: right)))
      #expect((one < other) == left.lexicographicallyPrecedes(right))
      #expect((one == other) == (left == right))
    }
  }

  @Test func `a peer id is a digest`() throws {
    let id = try #require(PeerID(hex: hex))
    #expect(id == PeerID(digest: try #require(Digest(hex: hex))))
    #expect(id.hex == hex && "\(id)" == hex)
    #expect(PeerID(digest: .zero) < id)
    #expect(PeerID(hex: hex.uppercased()) == nil)
  }
}

@Suite struct ContentTests {
  private let root: Digest

  init() throws {
    root = try #require(Digest(hex: String(repeating: "0a", count: 32)))
  }

  @Test func `zero root and zero size occur together only`() {
    #expect(Content(root: root, size: 1) != nil)
    #expect(Content(root: root, size: Content.maximumSize) != nil)
    #expect(Content(root: root, size: 0) == nil)
    #expect(Content(root: .zero, size: 1) == nil)
    #expect(Content(root: .zero, size: 0) == .empty)
    for size in [-1, 1 << 53, .max, .min] as [Int64] { #expect(Content(root: root, size: size) == nil) }
  }

  /// The root alone does not say which content.
  @Test func `contents of one root are told apart by size`() throws {
    let (one, other) = (try #require(Content(root: root, size: 5)), try #require(Content(root: root, size: 6)))
    #expect(one != other)
    #expect(one < other && !(other < one))
    #expect(Content.empty < one)
    #expect("\(one)" == "\(root.hex) (5 bytes)")
  }
}
