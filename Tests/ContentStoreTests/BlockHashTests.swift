// SPDX-License-Identifier: Apache-2.0

import CBlockHash
import Crypto
import Testing

/// Only on processors that have the instructions.
@Suite(.enabled(if: block_hash_has_pairs(), "the processor has no SHA instructions")) struct BlockHashTests {
  /// Around the lengths at which the padding needs another chunk, and a block.
  @Test(arguments: Array(0...130) + [16_383, 16_384, 16_385])
  func `hashes of a pair are those of the library`(_ length: Int) {
    let first = pattern(length)
    let second = Array(first.reversed())
    var hashes = [UInt8](repeating: 0, count: 64)
    block_hash_pair(first, second, length, &hashes)
    #expect(hashes == Array(Crypto.SHA256.hash(data: first)) + Array(Crypto.SHA256.hash(data: second)))
  }
}
