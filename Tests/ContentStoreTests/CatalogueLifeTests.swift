// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Dispatch
import DocumentModel
import Foundation
import Synchronization
import Testing

/// Many shares, several threads, and the life of layers and temporary records beside their shares.
@Suite struct CatalogueLifeTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
  }

  private func hash(_ catalogue: Catalogue, _ name: String, _ count: Int) throws -> HashedFile {
    let file = try FileHasher(layers: catalogue.layers).hash(workspace.file(name, pattern(count)))
    return HashedFile(path: file.path, layer: file.layer, fingerprint: file.fingerprint, isRacy: false)
  }

  private func proves(_ catalogue: Catalogue, _ content: Content) throws -> Bool {
    guard let range = HashRange.leaves(around: content.geometry.blockCount - 1, of: content),
      let hashes = try catalogue.hashes(range, of: content)
    else { return false }
    return range.verify(hashes, against: content)
  }

  // MARK: Another database at the path

  /// Reads with several threads, so that connections are opened.
  /// - Returns: the error of each read that failed.
  private func readTogether(_ catalogue: Catalogue) -> [StoreError] {
    let failures = Mutex<[StoreError]>([])
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      do throws(StoreError) {
        for _ in 0..<5 { _ = try catalogue.page(limit: 1_000) }
      } catch {
        failures.withLock { $0.append(error) }
      }
    }
    return failures.withLock { $0 }
  }

  @Test(arguments: ["empty", "another catalogue", "no database", "none"])
  func `what is read elsewhere is not kept`(place: String) throws {
    let damage = Mutex(0)
    let catalogue = try Catalogue(directory: workspace.state) { damage.withLock { $0 += 1 } }
    let file = try hash(catalogue, "a", 10)
    try catalogue.add((0..<500).map { share(file, as: "file/\($0)") })
    try #require(rename(workspace.state, workspace.state + ".moved") == 0)
    let path = "\(workspace.state)/catalogue.sqlite"
    switch place {
    case "another catalogue": try workspace.catalogue().close()
    case "none": break
    default:
      mkdir(workspace.state, 0o700)
      try Data(repeating: 1, count: place == "empty" ? 0 : 4096).write(to: URL(filePath: path))
    }
    for failure in readTogether(catalogue) { #expect(failure.description.contains("was removed or replaced")) }
    #expect(damage.withLock { $0 } == 0)
    #expect(access("\(path).suspect", F_OK) != 0)
    try? FileManager.default.removeItem(atPath: workspace.state)
    try #require(rename(workspace.state + ".moved", workspace.state) == 0)
    #expect(readTogether(catalogue).isEmpty)
    #expect(try catalogue.totals().documents == 500)
  }

  // MARK: Numbers

  @Test func `totals beyond 64 bits are the maximum`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, "a", 10)
    let huge = try #require(Content(root: file.content.root, size: Content.maximumSize))
    func shares(_ numbers: Range<Int>) -> [Share] {
      numbers.map { number in
        let document = Document(
          key: key("file/\(number)"), title: .empty, content: huge, modified: Timestamp(seconds: 0))
        return Share(document: document, path: file.path, origin: .added, fingerprint: file.fingerprint)
      }
    }
    try catalogue.add(shares(0..<100))
    let some = try catalogue.totals()
    #expect(some.documents == 100 && some.bytes > 0 && some.bytes < .max)
    try catalogue.add(shares(100..<1100))
    #expect(try catalogue.totals() == CatalogueTotals(documents: 1100, bytes: .max))
  }

  @Test(arguments: [Int.min, -1, 0]) func `page without a positive limit is empty`(limit: Int) throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, "a", 10)
    try catalogue.add([share(file, as: "file/a")])
    try catalogue.withdraw(path: file.path)
    #expect(try catalogue.page(limit: limit).isEmpty)
    #expect(try catalogue.page(after: DocumentID(key: key("data/a"), content: .empty), limit: limit).isEmpty)
    #expect(try catalogue.withdrawn(limit: limit).isEmpty)
    #expect(try catalogue.withdrawn(limit: 1).map(\.key) == [key("file/a")])
  }

  @Test func `page after a removed position continues behind it`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, "a", 10)
    try catalogue.add(["a", "b", "c", "d"].map { share(file, as: "file/\($0)") })
    let last = try #require(try catalogue.page(limit: 2).last)
    try catalogue.remove(last.key)
    let rest = try catalogue.page(after: last.id, limit: 10)
    #expect(rest.map(\.key) == [key("file/c"), key("file/d")])
  }

  // MARK: Threads

  @Test func `threads that add and read lose nothing`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, "a", 40_000)
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      do {
        for number in 0..<25 {
          try catalogue.add([share(file, as: "file/\(thread)-\(number)")], hashed: number == 0 ? [file] : [])
          let found = try catalogue.shares(under: key("file/\(thread)-\(number)"))
          if found.count != 1 { failures.withLock { $0.append("\(thread)-\(number)") } }
          _ = try catalogue.page(limit: 50)
          if try !proves(catalogue, file.content) { failures.withLock { $0.append("no proof") } }
        }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(try catalogue.totals().documents == 200)
  }

  @Test func `collection beside additions removes no layer in use`() throws {
    let catalogue = try workspace.catalogue()
    let files = try (0..<4).map { try hash(catalogue, "file\($0)", 17_000_000 + $0 * 16_384) }
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 5) { thread in
      do {
        for _ in 0..<5 {
          guard thread < 4 else {
            try catalogue.collectUnused()
            continue
          }
          // Hashed again: a collection may have removed the layer while nothing shared it.
          let file = try FileHasher(layers: catalogue.layers, workers: 1).hash(files[thread].path)
          try catalogue.add([share(file, as: "file/\(thread)")], hashed: [file])
          if try !proves(catalogue, file.content) { failures.withLock { $0.append("\(thread)") } }
        }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    try catalogue.collectUnused()
    // `files` still owns the drafts of its own hashing.
    let names = try workspace.names(in: "state/layers").filter { !$0.hasPrefix("draft.") }
    #expect(names.count == 4, "\(names)")
  }

  // MARK: Lives

  @Test func `layer lives as long as one share of its content`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, "a", 17_000_000)
    try catalogue.add([share(file, as: "file/a"), share(file, as: "data/b")], hashed: [file])
    try catalogue.remove(key("file/a"))
    try catalogue.collectUnused()
    #expect(try proves(catalogue, file.content))
    try catalogue.withdraw(path: file.path)
    try catalogue.collectUnused()
    #expect(try proves(catalogue, file.content), "a withdrawn share may come back")
    try catalogue.remove(key("data/b"))
    try catalogue.collectUnused()
    #expect(try !catalogue.hasLeaves(of: file.content))
    #expect(try catalogue.content(of: file.fingerprint) == nil)
  }

  @Test func `temporary records are forgotten with the share, and only those named`() throws {
    let catalogue = try workspace.catalogue()
    let file = try hash(catalogue, "a", 10)
    for name in ["one", "two", "three"] { try catalogue.recordTemporary("/tmp/\(name)") }
    try catalogue.recordTemporary("/tmp/one")
    try catalogue.add([share(file, as: "file/a")], forgetting: ["/tmp/one", "/tmp/unknown"])
    #expect(try catalogue.leftovers() == ["/tmp/three", "/tmp/two"])
    try catalogue.forgetTemporary("/tmp/unknown")
    try catalogue.forgetTemporary("/tmp/two")
    #expect(try catalogue.leftovers() == ["/tmp/three"])
  }
}
