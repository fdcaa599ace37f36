// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The leaves of one large content in a file: all leaves, then the nodes of layer 9 (one for each 512 leaves), 32
/// bytes each. With those, proving any leaf takes 16 KiB of reading.
///
/// Begins as a temporary file, which goes with the last reference unless it is kept.
final class LayerFile: Sendable {
  /// The layer whose nodes follow the leaves.
  static let groupLayer = 9
  /// Leaves below one node of that layer.
  static let groupLength: Int64 = 1 << 9

  private let file: OpenFile
  private let directory: OpenFile
  private let temporaryName: Locked<String?>

  /// - Parameter temporaryName: `nil` for a file that is kept already.
  init(file: OpenFile, directory: OpenFile, temporaryName: String?) {
    self.file = file
    self.directory = directory
    self.temporaryName = Locked(temporaryName)
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

  /// - Parameter holeAllowed: bytes beyond the end read as zeros; otherwise they are a damaged layer.
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

  /// Appends the nodes of layer 9. Returns the root.
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

  /// Makes it durable under its final name. A file that was there (of the same content) is replaced.
  func keep(as name: String) throws(StoreError) {
    guard let temporary = temporaryName.withLock({ $0 }) else { return }
    try file.synchronize()
    guard renameat(directory.descriptor, temporary, directory.descriptor, name) == 0 else {
      throw .writing(file.path, errno)
    }
    temporaryName.withLock { $0 = nil }
    try directory.synchronize()
  }
}
