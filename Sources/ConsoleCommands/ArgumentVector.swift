// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// The command line as text. Names on a disk are bytes, and some of them no text: what cannot be sent is said to be so,
/// lest a file be looked for under a name that nobody typed.
package enum ArgumentVector {
  /// - Parameter arguments: as the system has passed them, without the program's name.
  /// - Throws: `usage`, or `noInput` for what is to be added.
  package static func text(_ arguments: [[UInt8]]) throws(CommandFailure) -> [String] {
    var texts = [String]()
    for bytes in arguments {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CommandFailure(
          texts.contains("add") ? .noInput : .usage, "this is no UTF-8 text: \(shown(bytes))",
          ["Names are shared as UTF-8: rename the file, then use its new name."])
      }
      texts.append(text)
    }
    return texts
  }

  /// Bytes that are no text as `ls` and `printf` know them: `pap\xe9r.pdf`.
  private static func shown(_ bytes: [UInt8]) -> String {
    let text = bytes.prefix(200).reduce(into: "") { text, byte in
      if (0x20..<0x7F).contains(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += #"\x"# + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return bytes.count > 200 ? text + "…" : text
  }
}
