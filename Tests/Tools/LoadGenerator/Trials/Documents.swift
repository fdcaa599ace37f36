// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The shared files: one large and a thousand small ones, the same at every run.
struct Documents {
  static let smallCount = 1_000
  static let smallSize = 10_000
  static let pieceSize = 1 << 20

  let directory: String
  let largeSize: Int

  var large: String { directory + "/large.bin" }
  /// The directory of the small files.
  var small: String { directory + "/small" }
  /// The key of the large file.
  let largeKey = "file/large.bin"
  static let smallCollection = "data"

  static func name(_ number: Int) -> String { "\(number + 10_000).bin" }
  static func key(_ number: Int) -> String { "\(smallCollection)/\(name(number))" }

  /// Writes the files, and a Metalink with piece hashes for aria2.
  init(in directory: String, largeSize: Int, server: (String) -> String) throws {
    self.directory = directory
    self.largeSize = largeSize
    guard mkdir(directory, 0o755) == 0, mkdir(directory + "/small", 0o755) == 0 else {
      throw BenchFailure.system(directory)
    }
    for number in 0..<Self.smallCount {
      try TextFile.write(Self.pattern(Self.smallSize, seed: UInt64(number) + 2), to: "\(small)/\(Self.name(number))")
    }
    try TextFile.write(Self.pattern(largeSize, seed: 1), to: large)
    try Metalink.write(for: large, at: server("large.bin"), pieceSize: Self.pieceSize)
  }

  /// Pseudo-random bytes: xorshift64 (Marsaglia).
  static func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
      let words = UnsafeMutableRawBufferPointer(buffer)
      for offset in stride(from: 0, to: count, by: 8) {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        withUnsafeBytes(of: state) { words[offset..<min(offset + 8, count)].copyBytes(from: $0.prefix(count - offset)) }
      }
      initialized = count
    }
  }
}
