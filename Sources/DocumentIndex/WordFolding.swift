// SPDX-License-Identifier: Apache-2.0

/// Cuts text into words that compare as people expect: case, accents, ligatures and width are folded, and everything but
/// letters, digits and symbols beyond ASCII separates words.
///
/// Scripts that put no space between words are cut into pairs of neighbouring characters, which overlap: a part of such a
/// text then has the pairs of its own characters, and the last character alone.
enum WordFolding {
  /// Separates words in folded text.
  static let separator: UInt8 = 0

  /// Appends the folded words, each followed by one or more separators.
  static func fold(_ text: UnsafeRawBufferPointer, into folded: inout [UInt8]) {
    if isASCII(text) {
      foldASCII(text, into: &folded)
    } else {
      var unicode = UnicodeFolding()
      for scalar in String(decoding: text, as: UTF8.self).unicodeScalars { unicode.append(scalar, to: &folded) }
      unicode.endRun(&folded)
    }
    folded.append(separator)
  }

  /// The words of a text in Unicode normal form C.
  static func words(of text: String) -> [[UInt8]] {
    var folded = [UInt8]()
    ByteOrder.withBytes(of: text) { fold($0, into: &folded) }
    return folded.split(separator: separator).map { Array($0) }
  }

  /// Calls `body` with each word of folded text until it returns false.
  static func forEachWord(in folded: [UInt8], _ body: (UnsafeRawBufferPointer) -> Bool) {
    folded.withUnsafeBytes { folded in
      var start = 0
      for end in folded.indices where folded[end] == separator {
        if start < end, !body(UnsafeRawBufferPointer(rebasing: folded[start..<end])) { return }
        start = end + 1
      }
    }
  }

  /// Whether a folded word of a text may start with such a byte. Looks only at ASCII closely.
  static func mayHaveWord(in text: UnsafeRawBufferPointer, where isFirst: (UInt8) -> Bool) -> Bool {
    var isInWord = false
    for byte in text {
      guard byte < 0x80 else { return true }
      let isPart = isPartOfWord(byte)
      if isPart, !isInWord, isFirst(folded(byte)) { return true }
      isInWord = isPart
    }
    return false
  }

  /// Of ASCII: letters and digits.
  private static func isPartOfWord(_ byte: UInt8) -> Bool {
    let members: UInt64 = byte < 64 ? 0x03FF_0000_0000_0000 : 0x07FF_FFFE_07FF_FFFE
    return members >> UInt64(byte & 63) & 1 == 1
  }

  private static func foldASCII(_ text: UnsafeRawBufferPointer, into folded: inout [UInt8]) {
    let start = folded.count
    folded.append(contentsOf: text)
    folded.withUnsafeMutableBufferPointer { folded in
      for position in start..<folded.count { folded[position] = self.folded(folded[position]) }
    }
  }

  // The loops over these have no branches: the compiler makes them look at many bytes at once.

  private static func isASCII(_ text: UnsafeRawBufferPointer) -> Bool {
    var bits: UInt8 = 0
    for byte in text { bits |= byte }
    return bits < 0x80
  }

  @inline(__always)
  static func folded(_ byte: UInt8) -> UInt8 {
    let lowered = byte | 0x20
    if lowered &- UInt8(ascii: "a") < 26 { return lowered }
    return byte &- UInt8(ascii: "0") < 10 ? byte : separator
  }
}
