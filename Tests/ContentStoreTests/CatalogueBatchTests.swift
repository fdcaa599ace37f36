// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Testing

@Suite struct CatalogueBatchTests {
  private let workspace: Workspace
  private let catalogue: Catalogue

  init() throws {
    workspace = try Workspace()
    catalogue = try workspace.catalogue()
  }

  /// Hashed, and long enough ago that the hash counts.
  private func hashed(_ name: String, _ size: Int) throws -> HashedFile {
    let file = try FileHasher(layers: catalogue.layers).hash(workspace.file(name, pattern(size)))
    return HashedFile(path: file.path, layer: file.layer, fingerprint: file.fingerprint, isRacy: false)
  }

  private func share(_ file: HashedFile, _ key: String) throws -> Share {
    let document = Document(
      key: try DocumentKey(key), title: .empty, content: file.content, modified: Timestamp(seconds: 0))
    return Share(document: document, path: file.path, origin: .added, fingerprint: file.fingerprint)
  }

  @Test func `answers keep the order of the questions`() throws {
    let files = try [0, 1, 16_384, 16_385, 100_000].enumerated().map { try hashed("f\($0.offset)", $0.element) }
    try catalogue.remember(files)
    let unknown = FileFingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 5)
    let found = try catalogue.contents(of: [unknown] + files.map(\.fingerprint) + [unknown])
    #expect(found == [nil] + files.map(\.content) + [nil])
    #expect(try catalogue.contents(of: []).isEmpty)
  }

  @Test func `content without leaves is unknown`() throws {
    let (small, large) = (try hashed("small", 10), try hashed("large", 100_000))
    try catalogue.remember([small, large])
    try catalogue.forgetLayer(of: large.content)
    #expect(try catalogue.contents(of: [small.fingerprint, large.fingerprint]) == [small.content, nil])
  }

  @Test func `all files of documents are found together`() throws {
    let (kept, withdrawn) = (try hashed("kept", 1), try hashed("withdrawn", 2))
    let shares = [try share(kept, "file/a"), try share(withdrawn, "file/a"), try share(kept, "file/b")]
    try catalogue.add(shares, hashed: [kept, withdrawn])
    try catalogue.withdraw(path: withdrawn.path)
    let copy = try share(hashed("copy", 1), "file/a")
    try catalogue.add([copy])
    let found = try catalogue.shares(shares.map(\.id) + [share(withdrawn, "file/b").id])
    #expect(found.count == 3)
    #expect(found[shares[0].id] == [copy, shares[0]])
    #expect(found[shares[1].id]?.map(\.state) == [.withdrawn])
  }
}
