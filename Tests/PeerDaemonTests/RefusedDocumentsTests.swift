// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import Testing

@Suite struct RefusedDocumentsTests {
  private func document(_ number: Int) throws -> Document {
    Document(
      key: try DocumentKey("file/\(number)"), title: try Title(""),
      content: try #require(Content(root: .zero, size: 0)),
      modified: Timestamp(seconds: 0))
  }

  @Test func `what was refused is tried again, what was taken is not`() throws {
    let batch = try (0..<4).map(document)
    var refused = RefusedDocuments()
    #expect(refused.takeRetry() == nil)
    refused.added(batch, refused: [1, 3, 9])
    #expect(refused.count == 2 && refused.contains(batch[1].id) && !refused.contains(batch[0].id))
    #expect(refused.takeRetry() == .documents([batch[1], batch[3]]))
    refused.added([batch[1], batch[3]], refused: [1])
    #expect(refused.takeRetry() == .documents([batch[3]]))
    refused.withdrawn([batch[3].id])
    #expect(refused.isEmpty)
  }

  @Test func `more than can be remembered are all announced again`() throws {
    var refused = RefusedDocuments()
    let batch = try (0...RefusedDocuments.limit).map(document)
    refused.added(batch, refused: Array(batch.indices))
    #expect(refused.count == RefusedDocuments.limit + 1)
    #expect(refused.takeRetry() == .everything)
    #expect(refused.isEmpty)
  }
}
