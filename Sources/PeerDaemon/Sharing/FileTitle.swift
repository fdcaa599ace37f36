// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import Glibc

/// The title that a file itself names: the texts of RFCs do. Blocks.
enum FileTitle {
  /// `nil` where the name is not that of an RFC, or the text has none.
  static func read(_ path: String) -> Title? {
    let name = String(path.split(separator: "/").last ?? "")
    guard RFCText.recognise(fileName: name, bytes: []) != nil else { return nil }
    return RFCText.recognise(fileName: name, bytes: prefix(of: path))?.title
  }

  /// Empty where it cannot be read: then hashing says why.
  private static func prefix(of path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: RFCText.prefixLength) { buffer, filled in
      while filled < buffer.count {
        let count = Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
        guard count > 0 else { return }
        filled += count
      }
    }
  }
}
