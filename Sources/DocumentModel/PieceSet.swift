// SPDX-License-Identifier: Apache-2.0

/// A set of pieces of one content: a bitmap with a known population.
///
/// Indices outside `0..<count` are ignored by changes and contained in no set.
package struct PieceSet: Hashable, Sendable {
  /// Number of pieces of the content.
  package let count: Int
  /// Number of pieces in the set.
  package private(set) var population = 0
  /// Piece 0 is the highest bit of the first word; bits beyond `count` are zero.
  private var words: [UInt64]

  /// An empty set.
  /// - Parameter count: number of pieces of the content; a negative one counts as 0.
  package init(count: Int) {
    self.count = max(count, 0)
    words = [UInt64](repeating: 0, count: self.count / 64 + (self.count % 64 == 0 ? 0 : 1))
  }

  /// All pieces.
  package init(full count: Int) {
    self.init(count: count)
    insert(0..<self.count)
  }

  package var isFull: Bool { population == count }
  package var isEmpty: Bool { population == 0 }

  package func contains(_ piece: Int) -> Bool {
    guard piece >= 0, piece < count else { return false }
    return words[piece >> 6] & Self.bit(piece) != 0
  }

  /// - Returns: whether the piece was missing.
  @discardableResult
  package mutating func insert(_ piece: Int) -> Bool {
    guard piece >= 0, piece < count, words[piece >> 6] & Self.bit(piece) == 0 else { return false }
    words[piece >> 6] |= Self.bit(piece)
    population += 1
    return true
  }

  /// - Returns: whether the piece was in the set.
  @discardableResult
  package mutating func remove(_ piece: Int) -> Bool {
    guard contains(piece) else { return false }
    words[piece >> 6] &= ~Self.bit(piece)
    population -= 1
    return true
  }

  /// Inserts the part of the range that lies in the content.
  package mutating func insert(_ range: Range<Int>) {
    for piece in range.clamped(to: 0..<count) { insert(piece) }
  }

  // MARK: With another set of the same content. Pieces beyond this set's count are ignored.

  package mutating func formUnion(_ other: PieceSet) {
    combine(other) { $0 | $1 }
  }

  package mutating func formIntersection(_ other: PieceSet) {
    combine(other) { $0 & $1 }
  }

  package mutating func subtract(_ other: PieceSet) {
    combine(other) { $0 & ~$1 }
  }

  package func union(_ other: PieceSet) -> PieceSet {
    var result = self
    result.formUnion(other)
    return result
  }

  package func intersection(_ other: PieceSet) -> PieceSet {
    var result = self
    result.formIntersection(other)
    return result
  }

  package func subtracting(_ other: PieceSet) -> PieceSet {
    var result = self
    result.subtract(other)
    return result
  }

  /// The pieces that are not in the set.
  package var inverted: PieceSet { PieceSet(full: count).subtracting(self) }

  private mutating func combine(_ other: PieceSet, _ operation: (UInt64, UInt64) -> UInt64) {
    population = 0
    for index in words.indices {
      var word = operation(words[index], index < other.words.count ? other.words[index] : 0)
      if index == count >> 6 { word &= ~(.max >> UInt64(count & 63)) }
      words[index] = word
      population += word.nonzeroBitCount
    }
  }

  // MARK: In order

  /// The first piece of the set from `index` on.
  package func first(from index: Int = 0) -> Int? {
    let start = max(index, 0)
    guard start < count else { return nil }
    var position = start >> 6
    var word = words[position] & (.max >> UInt64(start & 63))
    while word == 0 {
      position += 1
      guard position < words.count else { return nil }
      word = words[position]
    }
    return position << 6 + word.leadingZeroBitCount
  }

  /// The first piece from `index` on that is not in the set.
  package func firstMissing(from index: Int = 0) -> Int? {
    let start = max(index, 0)
    guard start < count else { return nil }
    var position = start >> 6
    var word = ~words[position] & (.max >> UInt64(start & 63))
    while word == 0 {
      position += 1
      guard position < words.count else { return nil }
      word = ~words[position]
    }
    let piece = position << 6 + word.leadingZeroBitCount
    return piece < count ? piece : nil
  }

  /// Calls `body` with each piece, in ascending order, without allocation.
  package func forEach(_ body: (Int) -> Void) {
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        let bit = rest.leadingZeroBitCount
        body(index << 6 + bit)
        rest &= ~(1 << UInt64(63 - bit))
      }
    }
  }

  /// The set as runs of consecutive pieces, in ascending order.
  package var ranges: [Range<Int>] {
    var ranges = [Range<Int>]()
    var start = first()
    while let lower = start {
      let upper = firstMissing(from: lower) ?? count
      ranges.append(lower..<upper)
      start = first(from: upper)
    }
    return ranges
  }

  private static func bit(_ piece: Int) -> UInt64 { 1 << UInt64(63 - piece & 63) }
}

// MARK: As bytes and as text

extension PieceSet {
  /// Number of bytes of a set of `count` pieces.
  package static func byteCount(of count: Int) -> Int { max(count, 0) / 8 + (max(count, 0) % 8 == 0 ? 0 : 1) }

  /// The first piece is the high bit of the first byte.
  /// - Returns: `nil` if the number of bytes is not that of `count` pieces, or a spare bit is set.
  package init?(bytes: some Collection<UInt8>, count: Int) {
    self.init(count: count)
    guard count >= 0, bytes.count == Self.byteCount(of: count) else { return nil }
    for (index, byte) in bytes.enumerated() {
      words[index >> 3] |= UInt64(byte) << UInt64(56 - 8 * (index & 7))
      population += byte.nonzeroBitCount
    }
    guard count & 63 == 0 || words[count >> 6] & (.max >> UInt64(count & 63)) == 0 else { return nil }
  }

  /// The first piece is the high bit of the first byte; spare bits are zero.
  package var bytes: [UInt8] {
    (0..<Self.byteCount(of: count)).map(byte)
  }

  /// One of `bytes`; 0 beyond them.
  package func byte(_ index: Int) -> UInt8 {
    guard index >= 0, index < Self.byteCount(of: count) else { return 0 }
    return UInt8(truncatingIfNeeded: words[index >> 3] >> UInt64(56 - 8 * (index & 7)))
  }

  private static let digits = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let pad = UInt8(ascii: "=")

  /// `bytes` in base64 with padding (RFC 4648, section 4).
  package var base64: String {
    let bytes = bytes
    var text = [UInt8]()
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let rest = min(bytes.count - start, 3)
      var group: UInt32 = 0
      for index in 0..<3 { group = group << 8 | (index < rest ? UInt32(bytes[start + index]) : 0) }
      for index in 0..<4 {
        text.append(index <= rest ? Self.digits[Int(group >> UInt32(18 - 6 * index)) & 63] : Self.pad)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// - Returns: `nil` if the text is not the canonical base64 of a set of `count` pieces.
  package init?(base64: String, count: Int) {
    let text = Array(base64.utf8)
    guard count >= 0, text.count == (Self.byteCount(of: count) + 2) / 3 * 4 else { return nil }
    var bytes = [UInt8]()
    bytes.reserveCapacity(text.count / 4 * 3)
    for start in stride(from: 0, to: text.count, by: 4) {
      let isLast = start + 4 == text.count
      let padding = isLast ? text[start..<start + 4].reversed().prefix { $0 == Self.pad }.count : 0
      guard padding <= 2 else { return nil }
      var group: UInt32 = 0
      for index in 0..<4 {
        guard let value = index < 4 - padding ? Self.value(of: text[start + index]) : 0 else { return nil }
        group = group << 6 | value
      }
      for index in 0..<3 {
        let byte = UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * index))
        if index < 3 - padding { bytes.append(byte) } else if byte != 0 { return nil }
      }
    }
    self.init(bytes: bytes, count: count)
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
