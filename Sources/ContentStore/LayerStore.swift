// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// The directory of layers of large contents, one file `ROOT-SIZE` each, and nothing else.
package final class LayerStore: Sendable {
  private let directory: OpenFile
  private let path: String

  /// Creates the directory if missing and removes the drafts of a process that died. Only one process at a time may use
  /// the directory.
  init(path: String) throws(StoreError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .writing(path, errno) }
    self.path = path
    directory = try OpenFile.directory(path)
    try removeDrafts()
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
    let descriptor = openat(directory.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      let error = StoreError.reading("\(path)/\(name)", errno)
      guard error.code == .exhausted || error.code == .inputOutput else { return nil }
      throw error
    }
    let file = OpenFile(descriptor: descriptor, path: "\(path)/\(name)")
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) == Self.length(of: content) else { return nil }
    return LayerFile(file: file, directory: directory, temporaryName: nil)
  }

  /// Whether there is a readable file of the right length.
  func has(_ content: Content) -> Bool {
    var status = stat()
    let name = Self.name(of: content)
    return fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
      && status.st_mode & S_IFMT == S_IFREG && Int64(status.st_size) == Self.length(of: content)
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
    let drafts = try names { Self.content(named: $0) == nil ? $0 : nil }
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

  private static func length(of content: Content) -> Int64 {
    let leaves = content.geometry.blockCount
    let groups = leaves / LayerFile.groupLength + (leaves % LayerFile.groupLength == 0 ? 0 : 1)
    return (leaves + groups) * Int64(MerkleTree.nodeLength)
  }

  private static func name(of content: Content) -> String { "\(content.root.hex)-\(content.size)" }

  private static func content(named name: String) -> Content? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let root = Digest(hex: String(parts[0])), let size = Int64(parts[1]) else { return nil }
    guard let content = Content(root: root, size: size), Self.name(of: content) == name else { return nil }
    return content
  }
}
