// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// What a download keeps beside its data to continue after a restart, in one file: the leaves and the place of the layer's
/// group nodes as in `LayerFile`, then, from the next multiple of 4,096 bytes, a header, two maps of pieces and the proven
/// nodes.
///
/// Nothing in it is trusted: nodes and leaves are proven against the root, pieces are read again. So neither maps nor nodes
/// need checksums, and a torn write is harmless.
struct SideFile: Sendable {
  /// A map of pieces; each has 512 bytes, for 4,096 pieces.
  enum Map: Int64 {
    /// Pieces whose bytes were written; of use while the system runs.
    case written = 512
    /// Pieces whose bytes were flushed to the device.
    case synced = 1_024
  }

  private static let magic = Array("p2p-side".utf8)
  private static let version: UInt64 = 1
  private static let page: Int64 = 4_096

  let file: LayerFile
  private let tree: UnitTree
  /// Where the header begins.
  private let start: Int64

  init(file: LayerFile, tree: UnitTree) {
    self.file = file
    self.tree = tree
    let length = LayerStore.length(of: tree.content)
    start = (length + Self.page - 1) / Self.page * Self.page
  }

  /// Writes header and empty maps, which takes their space.
  func initialize(bootID: BootID, inode: UInt64) throws(StoreError) {
    var bytes = header(bootID, inode)
    bytes.append(contentsOf: repeatElement(0, count: Int(Self.page) - bytes.count))
    try file.write(bytes, at: start)
  }

  /// Notes that the written map is of this boot.
  func write(bootID: BootID, inode: UInt64) throws(StoreError) {
    try file.write(header(bootID, inode), at: start)
  }

  /// The boot in which the written map was written. `nil` if the file is damaged, or belongs to another content or another
  /// data file.
  func bootID(inode: UInt64) throws(StoreError) -> BootID? {
    let size = header(BootID(bytes: []), 0).count
    let stored = try file.read(size, at: start, holeAllowed: true)
    let bootID = BootID(bytes: Array(stored[16..<32]))
    return stored == header(bootID, inode) ? bootID : nil
  }

  /// Magic, version, boot id, inode, root, size, and the SHA-256 of all that.
  private func header(_ bootID: BootID, _ inode: UInt64) -> [UInt8] {
    var bytes = Self.magic
    Self.append(Self.version, to: &bytes)
    bytes += bootID.bytes
    Self.append(inode, to: &bytes)
    bytes += tree.content.root.bytes
    Self.append(UInt64(bitPattern: tree.content.size), to: &bytes)
    var digest = [UInt8](repeating: 0, count: Digest.byteCount)
    bytes.withUnsafeBytes { bytes in digest.withUnsafeMutableBytes { SHA256Hashing.hash(bytes, into: $0) } }
    return bytes + digest
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  // MARK: Pieces

  /// A damaged map is empty.
  func read(_ map: Map) throws(StoreError) -> PieceSet {
    let count = Int(tree.geometry.pieceCount)
    let bytes = try file.read(PieceSet.byteCount(of: count), at: start + map.rawValue, holeAllowed: true)
    return PieceSet(bytes: bytes, count: count) ?? PieceSet(count: count)
  }

  func write(_ map: Map, _ pieces: PieceSet) throws(StoreError) {
    try file.write(pieces.bytes, at: start + map.rawValue)
  }

  /// Writes one byte of the written map.
  func write(_ byte: UInt8, index: Int) throws(StoreError) {
    var byte = byte
    // A closure of this function must not throw a typed error.
    let result = withUnsafeBytes(of: &byte) { bytes in
      Result { () throws(StoreError) in try file.write(bytes, at: start + Map.written.rawValue + Int64(index)) }
    }
    try result.get()
  }

  // MARK: Nodes

  func readNodes() throws(StoreError) -> [UInt8] {
    try file.read(tree.byteCount, at: start + Self.page, holeAllowed: true)
  }

  func write(_ run: UnitTree.Run) throws(StoreError) {
    guard let position = tree.position(layer: run.layer, index: run.index) else { return }
    try file.write(run.nodes, at: start + Self.page + Int64(position * MerkleTree.nodeLength))
  }
}

/// Tells one run of the system's kernel from the next: what was written but not flushed survives a killed process, not a
/// reboot.
package struct BootID: Hashable, Sendable {
  static let byteCount = 16

  /// 16 bytes.
  let bytes: [UInt8]

  /// - Parameter bytes: cut or filled with zeros to 16 bytes.
  package init(bytes: [UInt8]) {
    self.bytes = Array((bytes + [UInt8](repeating: 0, count: Self.byteCount)).prefix(Self.byteCount))
  }

  /// Of this system (random(4)); a random one if it is not readable, so that no unflushed byte is trusted.
  package static let current: BootID = {
    let text = try? SmallFile.read("/proc/sys/kernel/random/boot_id", max: 64)
    let digits = (text ?? []).filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "\n") }
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { index in
      UInt8(String(decoding: digits[index..<min(index + 2, digits.count)], as: UTF8.self), radix: 16)
    }
    guard bytes.count == byteCount else { return BootID(bytes: (0..<byteCount).map { _ in .random(in: 0...255) }) }
    return BootID(bytes: bytes)
  }()
}
