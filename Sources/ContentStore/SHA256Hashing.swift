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
