// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Testing

@Suite struct BlockVerifierTests {
  private let bytes = pattern(100_000)
  private let leaves: [UInt8]
  private let content: Content

  init() throws {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    self.leaves = leaves
    content = try #require(MerkleTree.content(leaves: leaves, size: 100_000))
  }

  @Test(arguments: [7, 1000, 16_383, 16_384, 16_385, 65_536, 100_000])
  func `bytes in portions of any size are verified by block`(_ portion: Int) {
    var verifier = BlockVerifier(content: content, firstBlock: 0, leaves: leaves)
    for start in stride(from: 0, to: bytes.count, by: portion) {
      let end = min(start + portion, bytes.count)
      let outcome = append(bytes[start..<end], to: &verifier)
      let whole = end == bytes.count ? end : end / 16_384 * 16_384
      #expect(outcome == .verified(upTo: Int64(whole)))
      #expect(verifier.isComplete == (end == bytes.count))
    }
    #expect(append([0], to: &verifier) == .excess)
  }

  @Test func `run in the middle begins at its block`() {
    var verifier = BlockVerifier(content: content, firstBlock: 2, leaves: Array(leaves[64..<128]))
    #expect(append(bytes[32_768..<65_536], to: &verifier) == .verified(upTo: 65_536))
    #expect(verifier.isComplete)
    #expect(append(bytes[65_536..<65_537], to: &verifier) == .excess)
  }

  @Test(arguments: [0, 16_383, 16_384, 50_000, 99_999]) func `wrong byte is reported with its block`(_ position: Int) {
    var wrong = bytes
    wrong[position] ^= 1
    var verifier = BlockVerifier(content: content, firstBlock: 0, leaves: leaves)
    #expect(append(wrong[...], to: &verifier) == .wrong(block: Int64(position / 16_384)))
  }

  @Test func `block outside the content has no leaf`() {
    for first in [-1, 7, Int64.max, Int64.min] {
      var verifier = BlockVerifier(content: content, firstBlock: first, leaves: leaves)
      #expect(append([1], to: &verifier) == .excess)
    }
    var none = BlockVerifier(content: content, firstBlock: 0, leaves: [])
    #expect(append([1], to: &none) == .excess)
    var empty = BlockVerifier(content: .empty, firstBlock: 0, leaves: leaves)
    #expect(empty.isComplete)
    #expect(append([1], to: &empty) == .excess)
  }

  private func append(_ bytes: ArraySlice<UInt8>, to verifier: inout BlockVerifier) -> BlockVerifier.Outcome {
    bytes.withUnsafeBytes { verifier.append($0) }
  }
}
