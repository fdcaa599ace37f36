// SPDX-License-Identifier: Apache-2.0

import CProcess
package import DocumentModel
import Glibc

/// Small files that are made durable together: one flush for the bytes of all of them, one for their names. Each gets its name when its bytes are on the
/// device, as the file of a single download does.
package struct FileBatch {
  package struct Item: Sendable {
    package let target: DownloadTarget
    package let content: Content
    /// Not verified.
    package let bytes: [UInt8]
    package let attributes: FileAttributes
    /// Whether to replace a file that has the name.
    package let replaces: Bool

    package init(
      target: DownloadTarget, content: Content, bytes: [UInt8], attributes: FileAttributes, replaces: Bool
    ) {
      self.target = target
      self.content = content
      self.bytes = bytes
      self.attributes = attributes
      self.replaces = replaces
    }
  }

  private struct Written {
    let item: Item
    let file: PartialFile
    let layer: LeafLayer
  }

  private let catalogue: Catalogue

  package init(catalogue: Catalogue) {
    self.catalogue = catalogue
  }

  /// Blocks.
  /// - Returns: of each item its file, or why there is none: `.invalidRange` if the bytes are not the content, `.exists`, `.noSpace`, `.cannotCreate`, `.inputOutput`.
  package func write(_ items: [Item]) -> [Result<HashedFile, StoreError>] {
    var failures: [Int: StoreError] = [:]
    var written: [Int: Written] = [:]
    for (index, item) in items.enumerated() {
      do throws(StoreError) { written[index] = try write(item) } catch { failures[index] = error }
    }
    let systems = Dictionary(grouping: written.keys) { written[$0]?.file.file.device ?? 0 }
    for indices in systems.values {
      guard let first = indices.first, let error = written[first]?.file.file.flushFileSystem() else { continue }
      for index in indices { failures[index] = error }
    }
    var files: [Int: HashedFile] = [:]
    var paths = PathsWithoutLinks()
    var found = Set<ObjectIdentifier>()
    for (index, written) in written where failures[index] == nil {
      do throws(StoreError) {
        let target = written.item.target
        // Once for each directory.
        if !found.contains(ObjectIdentifier(target.directory)) { try target.checkPlace() }
        found.insert(ObjectIdentifier(target.directory))
        files[index] = try name(written, &paths)
      } catch {
        failures[index] = error
      }
    }
    // Names and new directories.
    for indices in systems.values {
      guard let first = indices.first, let error = items[first].target.directory.flushFileSystem() else { continue }
      for index in indices where failures[index] == nil { failures[index] = error }
    }
    return items.indices.map { index in
      if let error = failures[index] { return .failure(error) }
      if let file = files[index] { return .success(file) }
      return .failure(StoreError(.inputOutput, items[index].target.path, "was not written"))
    }
  }

  private func write(_ item: Item) throws(StoreError) -> Written {
    let layer = try catalogue.layers.layer(of: item.bytes)
    guard layer.content == item.content else {
      throw StoreError(.invalidRange, item.target.path, "would have other bytes than the content")
    }
    let file = try PartialFile(target: item.target, size: Int64(item.bytes.count), catalogue: catalogue)
    let written = item.bytes.withUnsafeBytes { bytes in
      Result { () throws(StoreError) in if !bytes.isEmpty { try file.write(bytes, at: 0) } }
    }
    try written.get()
    try file.apply(item.attributes)
    return Written(item: item, file: file, layer: layer)
  }

  private func name(_ written: Written, _ paths: inout PathsWithoutLinks) throws(StoreError) -> HashedFile {
    let fingerprint = try written.file.name(replacing: written.item.replaces)
    for path in written.file.temporaryPaths { try? catalogue.forgetTemporary(path) }
    // Just written: a change within the same clock tick would leave the same time stamp.
    return HashedFile(
      path: paths.path(of: written.item.target), layer: written.layer, fingerprint: fingerprint, isRacy: true)
  }
}

extension OpenFile {
  /// Equal for files of one file system.
  fileprivate var device: UInt64 { (try? status()).map { UInt64($0.st_dev) } ?? 0 }

  /// syncfs(2).
  func flushFileSystem() -> StoreError? {
    let number = file_flush_file_system(descriptor)
    return number == 0 ? nil : .writing(path, number)
  }
}

extension LayerStore {
  /// The leaves of a small file that is in memory.
  func layer(of bytes: [UInt8]) throws(StoreError) -> LeafLayer {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    let draft = try draft(size: Int64(bytes.count))
    if !leaves.isEmpty { try draft.put(leaves, from: 0) }
    return try draft.finish()
  }
}
