// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import POSIXSupport

/// The title that a file itself names: the texts of RFCs do. Blocks.
enum FileTitle {
  /// `nil` where the name is not that of an RFC, or the text has none.
  static func read(_ path: String) -> Title? {
    let name = String(path.split(separator: "/").last ?? "")
    guard RFCText.recognise(fileName: name, bytes: []) != nil else { return nil }
    // If the file cannot be read, hashing it reports why.
    let prefix = (try? SmallFile.prefix(of: path, max: RFCText.prefixLength)) ?? []
    return RFCText.recognise(fileName: name, bytes: prefix)?.title
  }
}
