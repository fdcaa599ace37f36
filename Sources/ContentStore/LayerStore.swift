// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// The directory of layers of large contents, one file `ROOT-SIZE` each, and of the side files of downloads.
package final class LayerStore: Sendable {
  private let directory: OpenFile
  private let path: String

  /// Creates the directory if missing and removes the drafts of a process that died. Only one process at a time may use
  /// the directory.
  init(path: String) throws(StoreError) {
    self.path = path
    directory = try Self.directory(path)
    try removeDrafts()
  }

  /// What is no directory is moved aside: the layers are made again from the shared files.
  private static func directory(_ path: String) throws(StoreError) -> OpenFile {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .writing(path, errno) }
    do throws(StoreError) {
      return try OpenFile.directory(path)
    } catch {
      var status = stat()
      // A link to a directory was made by the user.
      let isDirectory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      guard !isDirectory, rename(path, "\(path).aside") == 0 else { throw error }
    }
    guard mkdir(path, 0o700) == 0 else { throw .writing(path, errno) }
    return try OpenFile.directory(path)
  }

  /// A draft for the leaves of a content of this size.
  package func draft(size: Int64) throws(StoreError) -> LayerDraft { try LayerDraft(size: size, store: self) }

  func createFile() throws(StoreError) -> LayerFile {
    let name = "draft.\(String(UInt64.random(in: .min ... .max), radix: 36))"
    let descriptor = openat(directory.descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .writing(path, errno) }
    let file = OpenFile(descriptor: descriptor, path: "\(path)/\(name)")
    return LayerFile(file: file, directory: directory, temporaryName: name)
  }

  // MARK: Side files of downloads

  private static let sidePrefix = "download."

  /// A name for a new side file.
  static func sideName(random: UInt64) -> String { sidePrefix + String(random, radix: 36) }

  /// The side file of a download.
  /// - Parameters:
  ///   - isNew: creates it; else it must exist.
  ///   - length: bytes of the layer in it.
  /// - Returns: `nil` if the name is not one of a side file, or the file is missing or unusable.
  /// - Throws: when creating: the errors of writing; else `.exhausted`, `.inputOutput`.
  func sideFile(_ name: String, isNew: Bool, length: Int64) throws(StoreError) -> LayerFile? {
    guard Self.isSideName(name) else { return nil }
    let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0)
    let descriptor = openat(directory.descriptor, name, flags, 0o600)
    guard descriptor >= 0 else {
      guard !isNew else { throw .writing("\(path)/\(name)", errno) }
      let error = StoreError.reading("\(path)/\(name)", errno)
      guard error.code == .exhausted || error.code == .inputOutput else { return nil }
      throw error
    }
    let file = OpenFile(descriptor: descriptor, path: "\(path)/\(name)")
    guard try file.status().st_mode & S_IFMT == S_IFREG else { return nil }
    return LayerFile(file: file, directory: directory, temporaryName: name, length: length)
  }

  /// Removes a side file. Best effort.
  func removeSideFile(_ name: String) {
    if Self.isSideName(name) { unlinkat(directory.descriptor, name, 0) }
  }

  /// Removes the side files that no download has.
  func removeSideFiles(except kept: Set<String>) throws(StoreError) {
    for name in try names({ Self.isSideName($0) && !kept.contains($0) ? $0 : nil }) { removeSideFile(name) }
  }

  private static func isSideName(_ name: String) -> Bool {
    name.hasPrefix(sidePrefix) && !name.utf8.contains(UInt8(ascii: "/"))
  }

  // MARK: Layers

  /// Keeps the file of a large layer, durably. Small layers are stored in the database.
  func keep(_ layer: LeafLayer) throws(StoreError) {
    if case .file(let file) = layer.storage { try file.keep(as: Self.name(of: layer.content)) }
  }

  /// `nil` if there is no file, one with the wrong length, or something else that cannot be read: the layer is then
  /// rebuilt from the shared file.
  /// - Throws: `.exhausted`, `.inputOutput`.
  func file(of content: Content) throws(StoreError) -> LayerFile? {
    let name = Self.name(of: content)
    // O_NONBLOCK: opening a FIFO would wait for a writer.
    let flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    var descriptor = openat(directory.descriptor, name, O_RDWR | flags)
    if descriptor < 0, errno == EACCES || errno == EROFS {
      descriptor = openat(directory.descriptor, name, O_RDONLY | flags)
    }
    guard descriptor >= 0 else {
      let error = StoreError.reading("\(path)/\(name)", errno)
      guard error.code == .exhausted || error.code == .inputOutput else { return nil }
      throw error
    }
    let file = OpenFile(descriptor: descriptor, path: "\(path)/\(name)")
    let status = try file.status()
    guard Self.isLayer(status, of: content) else { return nil }
    if Int64(status.st_size) < Self.length(of: content) { complete(file, of: content) }
    let hasMiddle = Int64(try file.status().st_size) == Self.length(of: content)
    return LayerFile(file: file, directory: directory, temporaryName: nil, hasMiddle: hasMiddle)
  }

  /// Adds the nodes of layer 4 to a file of an earlier version. Without them it serves as well, but slower.
  private func complete(_ file: OpenFile, of content: Content) {
    let layer = LayerFile(file: file, directory: directory, temporaryName: nil)
    do throws(StoreError) {
      try layer.writeMiddle(leafCount: content.geometry.blockCount)
      try file.synchronize()
    } catch {
      ftruncate(file.descriptor, off_t(Self.shortLength(of: content)))
    }
  }

  /// Whether a file of this kind and length can be the layer of a content. Earlier versions wrote no nodes of layer 4.
  private static func isLayer(_ status: stat, of content: Content) -> Bool {
    let lengths = shortLength(of: content)...length(of: content)
    return status.st_mode & S_IFMT == S_IFREG && lengths.contains(Int64(status.st_size))
  }

  /// Whether there is a readable file of the right length.
  func has(_ content: Content) -> Bool {
    var status = stat()
    let name = Self.name(of: content)
    return fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
      && Self.isLayer(status, of: content)
      && faccessat(directory.descriptor, name, R_OK, AT_EACCESS) == 0
  }

  func remove(_ content: Content) {
    LayerFile.clear(Self.name(of: content), in: directory)
  }

  /// The contents that have a file.
  func contents() throws(StoreError) -> [Content] {
    try names(Self.content(named:))
  }

  private func removeDrafts() throws(StoreError) {
    let drafts = try names { Self.content(named: $0) == nil && !Self.isSideName($0) ? $0 : nil }
    for name in drafts { unlinkat(directory.descriptor, name, 0) }
  }

  private func names<Element>(_ transform: (String) -> Element?) throws(StoreError) -> [Element] {
    do throws(SystemError) {
      return try DirectoryNames.read(directory: directory.descriptor, max: .max) {
        transform(String(decoding: $0, as: UTF8.self))
      }
    } catch {
      throw .reading(path, error.code)
    }
  }

  /// Bytes of the file of a large layer.
  static func length(of content: Content) -> Int64 {
    let middle = LayerFile.nodes(above: content.geometry.blockCount, each: LayerFile.middleLength)
    return shortLength(of: content) + middle * Int64(MerkleTree.nodeLength)
  }

  /// Without the nodes of layer 4.
  private static func shortLength(of content: Content) -> Int64 {
    let leaves = content.geometry.blockCount
    return (leaves + LayerFile.nodes(above: leaves, each: LayerFile.groupLength)) * Int64(MerkleTree.nodeLength)
  }

  private static func name(of content: Content) -> String { "\(content.root.hex)-\(content.size)" }

  private static func content(named name: String) -> Content? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let root = Digest(hex: String(parts[0])), let size = Int64(parts[1]) else { return nil }
    guard let content = Content(root: root, size: size), Self.name(of: content) == name else { return nil }
    return content
  }
}
