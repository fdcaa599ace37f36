// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Synchronization
import TestSupport
import Testing

@Suite struct CatalogueInterruptTests {
  @Test func `interrupt ends a running inspection`() async throws {
    let directory = try TemporaryDirectory()
    let catalogue = try Catalogue(directory: directory.file("state"))
    let fingerprint = try FileHasher(layers: catalogue.layers).hash(try directory.write("x", [1])).fingerprint
    let content = try #require(Content(root: Digest(bytes: [UInt8](repeating: 7, count: 32)) ?? .zero, size: 1))
    try catalogue.add(
      (0..<5000).map { number in
        Share(
          document: Document(
            key: try DocumentKey("file/\(number)"), title: .empty, content: content, modified: Timestamp(seconds: 0)),
          path: "/x/\(number)", origin: .added, fingerprint: fingerprint)
      })
    let failure = Mutex<StoreError?>(nil)
    async let inspections: Void = onThread {
      while failure.withLock({ $0 == nil }) {
        do throws(StoreError) { try catalogue.inspect() } catch { failure.withLock { $0 = error } }
      }
    }
    #expect(
      await eventually {
        catalogue.interrupt()
        return failure.withLock { $0 != nil }
      })
    try await inspections
    #expect(failure.withLock { $0?.code } == .cancelled)
    // Not taken for damage, and usable afterwards.
    try catalogue.inspect()
    #expect(try catalogue.totals().documents == 5000)
    // A stop interrupts and closes: the journal still ends up in the one file.
    catalogue.interrupt()
    catalogue.close()
    #expect(TemporaryDirectory.read(directory.file("state/catalogue.sqlite-wal"))?.isEmpty ?? true)
  }
}
