// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import Foundation
import Testing

/// Real texts beside their official titles. They are no part of the repository: a directory `shared/rfcs` next to the
/// checkout or to one above it holds `rfcN.txt` files and `titles.tsv`, a number, a tab and a title in each line.
@Suite struct AccuracyTests {
  private static let corpus: URL? = {
    let root = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return ["..", "../.."].map { root.appending(path: "\($0)/shared/rfcs", directoryHint: .isDirectory) }
      .first { FileManager.default.fileExists(atPath: $0.appending(path: "titles.tsv").path) }
  }()

  @Test(.enabled(if: corpus != nil, "no texts in shared/rfcs beside the checkout"))
  func `titles of nearly all RFCs are recognised`() throws {
    let corpus = try #require(Self.corpus)
    let titles = try String(contentsOf: corpus.appending(path: "titles.tsv"), encoding: .utf8)
    var (right, total) = (0, 0)
    for line in titles.split(separator: "\n") {
      let parts = line.split(separator: "\t", maxSplits: 1)
      guard parts.count == 2,
        let text = try? Data(contentsOf: corpus.appending(path: "rfc\(parts[0]).txt"))
      else { continue }
      let found = RFCText.recognise(fileName: "rfc\(parts[0]).txt", bytes: [UInt8](text))
      total += 1
      if Self.folded(found?.title?.text ?? "") == Self.folded(String(parts[1])) { right += 1 }
    }
    #expect(total > 0)
    #expect(Double(right) >= 0.96 * Double(total), "\(right) of \(total)")
  }

  /// Case, punctuation and white space aside.
  private static func folded(_ title: String) -> String {
    String(title.lowercased().filter { $0.isLetter || $0.isNumber })
  }
}
