// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Finds long runs of zeros in what is written, so that holes of a sparse file stay holes.
enum ZeroRuns {
  struct Part: Equatable {
    var range: Range<Int>
    let isZero: Bool
  }

  /// The block length of most file systems. A run that a buffer cuts keeps the block at the cut.
  static let granule = 4096

  /// Cuts bytes into parts that alternate between zeros and others.
  /// - Parameter offset: of the first byte in the file; parts are cut at multiples of the granule.
  static func parts(of bytes: UnsafeRawBufferPointer, at offset: Int64) -> [Part] {
    var parts = [Part]()
    var start = 0
    while start < bytes.count {
      let length = granule - Int((offset + Int64(start)) % Int64(granule))
      let range = start..<min(start + length, bytes.count)
      let isZero = range.count == granule && Self.isZero(UnsafeRawBufferPointer(rebasing: bytes[range]))
      if let last = parts.last, last.isZero == isZero {
        parts[parts.count - 1].range = last.range.lowerBound..<range.upperBound
      } else {
        parts.append(Part(range: range, isZero: isZero))
      }
      start = range.upperBound
    }
    return parts
  }

  private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress, bytes.count > 1 else { return bytes.allSatisfy { $0 == 0 } }
    // Equal to itself shifted by one byte, and the first byte is zero.
    return bytes[0] == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
  }
}
