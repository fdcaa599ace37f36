// SPDX-License-Identifier: Apache-2.0

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
