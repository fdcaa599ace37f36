// SPDX-License-Identifier: Apache-2.0

@_spi(_Unicode) private import Swift

/// What text may stand in titles and keys.
package enum TextRules {
  /// C0, DEL and C1.
  package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }

  /// The controls of the bidirectional algorithm (UAX #9), which let a title show other than it is.
  package static func isBidirectionalControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// Normalization Form C (UAX #15).
  package static func normalized(_ text: String) -> String {
    guard !isASCII(text) else { return text }
    var scalars = String.UnicodeScalarView()
    for scalar in text._nfc { scalars.append(scalar) }
    return String(scalars)
  }

  package static func isNormalized(_ text: String) -> Bool {
    isASCII(text) || text.unicodeScalars.elementsEqual(text._nfc)
  }

  /// The text with control characters, bidirectional controls and line separators written as `\u{…}`: what comes from
  /// outside must not drive a terminal.
  package static func escapedForTerminal(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: drivesTerminal) else { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      if drivesTerminal(scalar) {
        escaped += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      } else {
        escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func drivesTerminal(_ scalar: Unicode.Scalar) -> Bool {
    isControl(scalar) || isBidirectionalControl(scalar) || scalar.value == 0x2028 || scalar.value == 0x2029
  }

  private static func isASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x80 }
  }
}
