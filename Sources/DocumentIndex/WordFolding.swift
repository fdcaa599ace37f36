// SPDX-License-Identifier: Apache-2.0

@_spi(_Unicode) private import Swift
package import DocumentModel

/// Cuts text into words that compare as people expect: case and accents are folded, and everything but letters and digits
/// separates words.
enum WordFolding {
  /// Separates words in folded text.
  static let separator: UInt8 = 0

  /// Appends the folded words, each followed by one or more separators.
  static func fold(_ text: UnsafeRawBufferPointer, into folded: inout [UInt8]) {
    if text.allSatisfy({ $0 < 0x80 }) {
      foldASCII(text, into: &folded)
    } else {
      foldUnicode(String(decoding: text, as: UTF8.self), into: &folded)
    }
    folded.append(separator)
  }

  /// The words of a text.
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

  private static func foldASCII(_ text: UnsafeRawBufferPointer, into folded: inout [UInt8]) {
    for byte in text {
      switch byte {
      case 0x61...0x7A, 0x30...0x39: folded.append(byte)
      case 0x41...0x5A: folded.append(byte | 0x20)
      default: folded.append(separator)
      }
    }
  }

  /// Decomposed (NFD), in lower case, without combining marks. A lower-case mapping may add a mark (U+0130), so the marks
  /// are dropped last.
  private static func foldUnicode(_ text: String, into folded: inout [UInt8]) {
    for scalar in text._nfd {
      for scalar in scalar.properties.lowercaseMapping.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark:
          continue
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .spacingMark,
          .decimalNumber, .letterNumber, .otherNumber:
          folded.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default:
          folded.append(separator)
        }
      }
    }
  }
}

/// Words that must all match a document: each begins a word of its title or name, with case and accents folded. The rule
/// of `list`, for documents that are not in an index.
package struct WordQuery: Sendable {
  private let prefixes: [[UInt8]]

  /// An empty text matches everything.
  package init(_ text: String) {
    prefixes = WordFolding.words(of: text)
  }

  package func matches(title: Title, key: DocumentKey) -> Bool {
    WordIndex.matches(prefixes, title: title, key: key)
  }
}
