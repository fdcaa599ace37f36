// SPDX-License-Identifier: Apache-2.0

import CBlockHash
import struct Crypto.SHA256

/// SHA-256 over raw buffers. In a file of its own because `Digest` means something else in Crypto.
enum SHA256Hashing {
  /// Writes 32 bytes to the start of `output`, which may lie inside `input`.
  @inline(__always)
  static func hash(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
    var hasher = SHA256()
    hasher.update(bufferPointer: input)
    hasher.finalize().withUnsafeBytes { output.copyMemory(from: $0) }
  }

  /// Whether this processor hashes two blocks in little more time than one.
  private static let hasPairs = block_hash_has_pairs()

  /// Writes the hashes of two buffers of the same length behind each other, 64 bytes.
  static func hash(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) {
    let half = MerkleTree.nodeLength
    let length = first.count
    if hasPairs, length == second.count, output.count >= 2 * half, let one = first.baseAddress,
      let other = second.baseAddress
    {
      return block_hash_pair(one, other, length, output.baseAddress)
    }
    hash(first, into: UnsafeMutableRawBufferPointer(rebasing: output[..<half]))
    hash(second, into: UnsafeMutableRawBufferPointer(rebasing: output[half...]))
  }
}

/// A hash whose input arrives in parts.
struct RunningHash {
  private var hasher = SHA256()

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    hasher.update(bufferPointer: bytes)
  }

  /// Whether the appended bytes have the 32-byte hash at the start of `expected`. Resets the hash.
  mutating func finish(matches expected: UnsafeRawBufferPointer) -> Bool {
    defer { hasher = SHA256() }
    return hasher.finalize().withUnsafeBytes { expected.prefix($0.count).elementsEqual($0) }
  }
}
