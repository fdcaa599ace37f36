// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import Testing
import WireProtocol

@Suite struct ListProgressTests {
  private func rows(_ keys: String...) throws -> [ListRow] {
    try keys.map { key in
      .document(
        DocumentListing(
          document: Document(
            key: try DocumentKey(key), title: .empty, content: .empty, modified: Timestamp(seconds: 0)),
          total: 0, holders: []))
    }
  }

  @Test func `rows outside of the prefix are left out`() throws {
    var progress = ListProgress(prefix: "data/t/")
    let documents = progress.documents(of: try rows("data/a", "data/t/1", "data/tt", "data/t/2"))
    #expect(documents.map(\.document.key.text) == ["data/t/1", "data/t/2"])
    #expect(progress.documents(of: try rows("data/u")).isEmpty)
  }

  /// Empty pages, foreign keys, and the same keys again and again.
  @Test(arguments: [[], ["data/u"], ["data/t/1"], ["data/t/2", "data/t/1"]])
  func `list without anything new ends`(_ keys: [String]) throws {
    var progress = ListProgress(prefix: "data/t/")
    _ = progress.documents(of: try rows("data/t/1"))
    var pages = 0
    while !progress.isStuck, pages < 10_000 {
      _ = progress.documents(of: try keys.flatMap { try rows($0) })
      pages += 1
    }
    #expect(pages == ListProgress.maxFruitless)
  }

  @Test func `new key after empty pages goes on`() throws {
    var progress = ListProgress(prefix: "data/t/")
    for number in 0..<3 {
      for _ in 0..<ListProgress.maxFruitless - 1 { _ = progress.documents(of: []) }
      #expect(!progress.isStuck)
      _ = progress.documents(of: try rows("data/t/\(number)"))
    }
  }
}
