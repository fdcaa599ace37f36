// SPDX-License-Identifier: Apache-2.0

import struct Crypto.SHA256

/// A hash whose input comes bit by bit.
struct RunningHash {
  private var hasher = SHA256()

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    hasher.update(bufferPointer: bytes)
  }

  /// Whether all that was appended has the 32-byte hash at the start of `expected`; begins anew.
  mutating func finish(matches expected: UnsafeRawBufferPointer) -> Bool {
    defer { hasher = SHA256() }
    return hasher.finalize().withUnsafeBytes { expected.prefix($0.count).elementsEqual($0) }
  }
}
