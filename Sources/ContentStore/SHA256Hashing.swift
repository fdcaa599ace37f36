import struct Crypto.SHA256

/// SHA-256 over raw buffers. In a file of its own because `Digest` means something else in Crypto.
enum SHA256Hashing {
  static let byteCount = 32

  /// Writes 32 bytes to the start of `output`, which may lie inside `input`.
  @inline(__always)
  static func hash(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
    var hasher = SHA256()
    hasher.update(bufferPointer: input)
    hasher.finalize().withUnsafeBytes { output.copyMemory(from: $0) }
  }
}

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
