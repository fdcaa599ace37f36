// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import Synchronization

/// The leaves of one large content in a file: all leaves, then the nodes of layer 9 (one for each 512 leaves), 32 bytes
/// each. With these nodes, proving a leaf reads only 16 KiB.
///
/// The file is temporary and is removed with the last reference unless `keep` renames it.
final class LayerFile: Sendable {
  /// The layer whose nodes follow the leaves.
  static let groupLayer = 9
  /// Leaves below one node of layer 9.
  static let groupLength: Int64 = 1 << 9

  private let file: OpenFile
  private let directory: OpenFile
  private let temporaryName: Mutex<String?>

  /// - Parameter temporaryName: `nil` for a file that has its final name.
  init(file: OpenFile, directory: OpenFile, temporaryName: String?) {
    self.file = file
    self.directory = directory
    self.temporaryName = Mutex(temporaryName)
  }

  deinit {
    if let name = temporaryName.withLock({ $0 }) { unlinkat(directory.descriptor, name, 0) }
  }

  func write(_ bytes: [UInt8], at offset: Int64) throws(StoreError) {
    do {
      try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.inputOutput, file.path, "\(error)")
    }
  }

  /// - Parameter holeAllowed: whether bytes beyond the end read as zeros.
  /// - Throws: `.damagedLayer` if the file is too short.
  func read(_ count: Int, at offset: Int64, holeAllowed: Bool = false) throws(StoreError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let filled: Int
    do {
      filled = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.inputOutput, file.path, "\(error)")
    }
    guard filled == count || holeAllowed else { throw StoreError(.damagedLayer, file.path, "is too short") }
    return bytes
  }

  /// Appends the nodes of layer 9.
  /// - Returns: the root.
  func finish(leafCount: Int64, rootLayer: Int) throws(StoreError) -> [UInt8] {
    var groups = [UInt8]()
    var first: Int64 = 0
    while first < leafCount {
      let count = min(leafCount - first, Self.groupLength)
      let leaves = try read(Int(count) * MerkleTree.nodeLength, at: first * Int64(MerkleTree.nodeLength))
      groups += MerkleTree.root(of: leaves, height: Self.groupLayer)
      first += count
    }
    try write(groups, at: leafCount * Int64(MerkleTree.nodeLength))
    return MerkleTree.root(of: groups, layer: Self.groupLayer, height: rootLayer - Self.groupLayer)
  }

  /// Renames the file to its final name, durably. Replaces an earlier file of the same content.
  func keep(as name: String) throws(StoreError) {
    guard let temporary = temporaryName.withLock({ $0 }) else { return }
    try file.synchronize()
    if renameat(directory.descriptor, temporary, directory.descriptor, name) != 0 {
      // A directory is in the way.
      guard errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST else { throw .writing(file.path, errno) }
      Self.clear(name, in: directory)
      guard renameat(directory.descriptor, temporary, directory.descriptor, name) == 0 else {
        throw .writing(file.path, errno)
      }
    }
    temporaryName.withLock { $0 = nil }
    try directory.synchronize()
  }

  /// Begins the name of a directory that was in the way of a file.
  static let asidePrefix = "aside."

  /// Removes what has a name. A directory with entries is not ours, so it is only moved aside.
  static func clear(_ name: String, in directory: OpenFile) {
    guard unlinkat(directory.descriptor, name, 0) != 0, errno == EISDIR || errno == EPERM else { return }
    guard unlinkat(directory.descriptor, name, AT_REMOVEDIR) != 0 else { return }
    let aside = asidePrefix + String(UInt64.random(in: .min ... .max), radix: 36)
    _ = file_rename_exclusively(directory.descriptor, name, directory.descriptor, aside)
  }
}
