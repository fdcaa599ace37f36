// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import Synchronization

/// The leaves of one large content in a file: all leaves, then the nodes of layer 9 (one for each 512 leaves), then those of
/// layer 4 (one for each 16), 32 bytes each. Proving a leaf reads 16 KiB, and the nodes of no range take more than 256 KiB.
///
/// The file is temporary and is removed with the last reference unless `keep` renames it.
final class LayerFile: Sendable {
  /// The layer whose nodes follow the leaves.
  static let groupLayer = 9
  /// Leaves below one node of layer 9.
  static let groupLength: Int64 = 1 << 9
  /// The layer whose nodes are kept for answers about the layers between leaves and groups.
  static let middleLayer = 4
  /// Leaves below one node of layer 4.
  static let middleLength: Int64 = 1 << 4

  private let file: OpenFile
  private let directory: OpenFile
  private let temporaryName: Mutex<String?>
  /// Whether the nodes of layer 4 can be read: earlier versions did not write them.
  let hasMiddle: Bool
  /// Bytes of a file that outlives the process: what follows them, the state of a download, is cut off by `keep`. `nil`
  /// for a file that is removed with this object.
  private let length: Int64?

  /// - Parameter temporaryName: `nil` for a file that has its final name.
  init(
    file: OpenFile, directory: OpenFile, temporaryName: String?, hasMiddle: Bool = false, length: Int64? = nil
  ) {
    self.file = file
    self.directory = directory
    self.temporaryName = Mutex(temporaryName)
    self.hasMiddle = hasMiddle
    self.length = length
  }

  /// Number of nodes above `count` leaves, each above `length` of them.
  static func nodes(above count: Int64, each length: Int64) -> Int64 { count / length + (count % length == 0 ? 0 : 1) }

  deinit {
    if length == nil { remove() }
  }

  /// Removes the file unless `keep` has renamed it.
  func remove() {
    let name = temporaryName.withLock { name in
      defer { name = nil }
      return name
    }
    if let name { unlinkat(directory.descriptor, name, 0) }
  }

  /// Flushes the bytes to the device; with `isNamed`, also the name.
  func synchronize(isNamed: Bool) throws(StoreError) {
    try file.synchronizeData()
    if isNamed { try directory.synchronize() }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
    try file.write(bytes, at: offset)
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

  /// Appends the nodes of layers 9 and 4.
  /// - Returns: the root.
  func finish(leafCount: Int64, rootLayer: Int) throws(StoreError) -> [UInt8] {
    let groups = try writeMiddle(leafCount: leafCount)
    try write(groups, at: leafCount * Int64(MerkleTree.nodeLength))
    return MerkleTree.root(of: groups, layer: Self.groupLayer, height: rootLayer - Self.groupLayer)
  }

  /// Computes the nodes of layer 4 and writes them behind those of layer 9.
  /// - Returns: the nodes of layer 9.
  @discardableResult
  func writeMiddle(leafCount: Int64) throws(StoreError) -> [UInt8] {
    // What is written behind missing leaves would make them read as zeros.
    guard try file.status().st_size >= leafCount * Int64(MerkleTree.nodeLength) else {
      throw StoreError(.damagedLayer, file.path, "is too short")
    }
    var groups = [UInt8]()
    var middle = [UInt8]()
    var written = leafCount + Self.nodes(above: leafCount, each: Self.groupLength)
    var first: Int64 = 0
    while first < leafCount {
      let count = min(leafCount - first, Self.groupLength)
      var nodes = try read(Int(count) * MerkleTree.nodeLength, at: first * Int64(MerkleTree.nodeLength))
      for layer in 0..<Self.middleLayer { MerkleTree.reduce(&nodes, layer: layer) }
      middle += nodes
      groups += MerkleTree.root(of: nodes, layer: Self.middleLayer, height: Self.groupLayer - Self.middleLayer)
      first += count
      if middle.count >= 64 * 1024 || first == leafCount {
        try write(middle, at: written * Int64(MerkleTree.nodeLength))
        written += Int64(middle.count / MerkleTree.nodeLength)
        middle.removeAll(keepingCapacity: true)
      }
    }
    return groups
  }

  /// The nodes of layer 4 below one node of layer 9.
  func middle(ofGroup index: Int64, leafCount: Int64) throws(StoreError) -> [UInt8] {
    let width = Self.groupLength / Self.middleLength
    let first = index * width
    let count = min(max(Self.nodes(above: leafCount, each: Self.middleLength) - first, 0), width)
    let start = leafCount + Self.nodes(above: leafCount, each: Self.groupLength) + first
    return try read(Int(count) * MerkleTree.nodeLength, at: start * Int64(MerkleTree.nodeLength))
  }

  /// Renames the file to its final name, durably. Replaces an earlier file of the same content.
  func keep(as name: String) throws(StoreError) {
    guard let temporary = temporaryName.withLock({ $0 }) else { return }
    if let length, ftruncate(file.descriptor, off_t(length)) != 0 { throw .writing(file.path, errno) }
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
