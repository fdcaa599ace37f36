// SPDX-License-Identifier: Apache-2.0

/// 32 bytes: one SHA-256 value, written as 64 lower-case hex digits.
///
/// Stored as four big-endian words: comparing and hashing need no indirection, and the order is that of the bytes.
package struct Digest: Hashable, Sendable {
  package static let byteCount = 32
  package static let zero = Digest(0, 0, 0, 0)

  private let word0: UInt64
  private let word1: UInt64
  private let word2: UInt64
  private let word3: UInt64

  private init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
    self.word0 = word0
    self.word1 = word1
    self.word2 = word2
    self.word3 = word3
  }

  /// Exactly 32 bytes; `nil` for any other count.
  package init?(bytes: some Sequence<UInt8>) {
    var accumulator = WordAccumulator(bitsPerElement: 8)
    for byte in bytes where !accumulator.append(UInt64(byte)) { return nil }
    guard let words = accumulator.words else { return nil }
    self.init(words.0, words.1, words.2, words.3)
  }

  /// Exactly 64 lower-case hex digits; `nil` for anything else.
  package init?(hex: some Sequence<UInt8>) {
    var accumulator = WordAccumulator(bitsPerElement: 4)
    for digit in hex {
      let nibble: UInt64
      switch digit {
      case 0x30...0x39: nibble = UInt64(digit - 0x30)
      case 0x61...0x66: nibble = UInt64(digit - 0x61 + 10)
      default: return nil
      }
      guard accumulator.append(nibble) else { return nil }
    }
    guard let words = accumulator.words else { return nil }
    self.init(words.0, words.1, words.2, words.3)
  }

  /// Exactly 64 lower-case hex digits; `nil` for anything else. Not generic: an index reads one for each record.
  package init?(hex digits: UnsafeRawBufferPointer) {
    guard digits.count == Self.hexCount, let word0 = Self.word(digits, 0), let word1 = Self.word(digits, 16),
      let word2 = Self.word(digits, 32), let word3 = Self.word(digits, 48)
    else { return nil }
    self.init(word0, word1, word2, word3)
  }

  /// Of sixteen digits from an offset.
  @inline(__always)
  private static func word(_ digits: UnsafeRawBufferPointer, _ offset: Int) -> UInt64? {
    let high = digits.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    let low = digits.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
    let word = UInt64(halfWord(high)) << 32 | UInt64(halfWord(low))
    // What is not a digit has some value too, but is not what is written for that value.
    guard hexDigits(of: UInt32(truncatingIfNeeded: word >> 32)) == high,
      hexDigits(of: UInt32(truncatingIfNeeded: word)) == low
    else { return nil }
    return word
  }

  /// The four bytes of eight digits, as in `hexDigits`.
  private static func halfWord(_ digits: UInt64) -> UInt32 {
    let text = UInt64(littleEndian: digits)
    let letters = text >> 6 & 0x0101_0101_0101_0101
    let nibbles = text & 0x0F0F_0F0F_0F0F_0F0F &+ letters &* 9
    var bytes = (nibbles << 4 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF
    bytes = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: bytes | bytes >> 16).byteSwapped
  }

  /// Exactly 64 lower-case hex digits; `nil` for anything else.
  package init?(hex: String) {
    self.init(hex: hex.utf8)
  }

  /// The first eight bytes, in an order that agrees with that of digests.
  package var leadingWord: UInt64 { word0 }

  /// All bytes, in the same order.
  package var words: (UInt64, UInt64, UInt64, UInt64) { (word0, word1, word2, word3) }

  /// The 32 bytes, first byte first.
  package var bytes: [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(Self.byteCount)
    for word in [word0, word1, word2, word3] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return bytes
  }

  /// 64 lower-case hex digits.
  package var hex: String {
    var digits = [UInt8]()
    digits.reserveCapacity(2 * Self.byteCount)
    appendHex(to: &digits)
    return String(decoding: digits, as: UTF8.self)
  }

  /// Appends 64 lower-case hex digits.
  package func appendHex(to digits: inout [UInt8]) {
    digits.append(addingCapacity: Self.hexCount) { span in
      span.withUnsafeMutableBufferPointer { buffer, count in
        if let base = buffer.baseAddress { writeHex(to: base + count) }
        count += Self.hexCount
      }
    }
  }

  package static var hexCount: Int { 2 * byteCount }

  /// Writes `hexCount` lower-case hex digits.
  package func writeHex(to digits: UnsafeMutablePointer<UInt8>) {
    let target = UnsafeMutableRawPointer(digits)
    Self.write(word0, to: target)
    Self.write(word1, to: target + 16)
    Self.write(word2, to: target + 32)
    Self.write(word3, to: target + 48)
  }

  @inline(__always)
  private static func write(_ word: UInt64, to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: hexDigits(of: UInt32(truncatingIfNeeded: word >> 32)), as: UInt64.self)
    target.storeBytes(of: hexDigits(of: UInt32(truncatingIfNeeded: word)), toByteOffset: 8, as: UInt64.self)
  }

  /// The eight digits of four bytes, first digit in the first byte of memory. Computes all eight at once: spreads the
  /// nibbles to a byte each, then adds the offset of the digit or letter.
  private static func hexDigits(of word: UInt32) -> UInt64 {
    var spread = UInt64(word.byteSwapped)
    spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
    spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
    let nibbles = spread >> 4 & 0x000F_000F_000F_000F | (spread & 0x000F_000F_000F_000F) << 8
    let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return (nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).littleEndian
  }
}

extension Digest: Comparable {
  package static func < (left: Digest, right: Digest) -> Bool {
    (left.word0, left.word1, left.word2, left.word3) < (right.word0, right.word1, right.word2, right.word3)
  }
}

extension Digest: CustomStringConvertible {
  package var description: String { hex }
}

/// Collects bytes or nibbles, first one highest, into exactly four words.
private struct WordAccumulator {
  let bitsPerElement: UInt64
  private var bits: UInt64 = 0
  private var filled: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  init(bitsPerElement: UInt64) {
    self.bitsPerElement = bitsPerElement
  }

  /// `nil` until all 256 bits are there.
  var words: (UInt64, UInt64, UInt64, UInt64)? { bits == 256 ? filled : nil }

  /// False if it is one too many.
  mutating func append(_ element: UInt64) -> Bool {
    switch bits {
    case ..<64: filled.0 = filled.0 << bitsPerElement | element
    case ..<128: filled.1 = filled.1 << bitsPerElement | element
    case ..<192: filled.2 = filled.2 << bitsPerElement | element
    case ..<256: filled.3 = filled.3 << bitsPerElement | element
    default: return false
    }
    bits += bitsPerElement
    return true
  }
}
