// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel
import Glibc
import TestSupport

/// The documents of one worker: a fixed number of files of fixed sizes, so disk use does not grow with the run.
struct Documents {
  /// Empty, one block, around block and piece boundaries, several pieces.
  private static let sizes = [
    0, 1, 700, 9_000, 16_384, 16_385, 40_000, 120_000, 262_144, 300_001, 1_200_000, 3_000_000,
  ]
  static var count: Int { sizes.count }

  struct Slot {
    let key: String
    let path: String
    let size: Int
  }

  private let directory: String
  private let pool: [UInt8]
  let slots: [Slot]

  /// - Parameter pool: random bytes from which contents are cut.
  init(directory: String, peer: Int, worker: Int, pool: [UInt8]) throws {
    self.directory = directory
    self.pool = pool
    guard mkdir(directory, 0o700) == 0 else { throw TortureFailure.system(directory) }
    slots = Self.sizes.indices.map { number in
      Slot(
        key: Self.key(peer: peer, worker: worker, number: number), path: "\(directory)/\(number)",
        size: Self.sizes[number])
    }
  }

  /// A third of the keys is common to all peers: several contents under one key.
  static func key(peer: Int, worker: Int, number: Int) -> String {
    tree(peer: number % 3 == 2 ? nil : peer, worker: worker) + "\(number)"
  }

  /// - Parameter peer: `nil` for what is common to all.
  static func tree(peer: Int?, worker: Int) -> String {
    "file/\(peer.map(PeerNames.name) ?? "common")-\(worker)/"
  }

  /// New content; very small files may repeat.
  func fresh(_ slot: Slot, _ random: inout SeededGenerator) -> [UInt8] {
    let start = Int.random(in: 0...max(0, pool.count - slot.size), using: &random)
    var bytes = Array(pool[start..<min(start + slot.size, pool.count)])
    withUnsafeBytes(of: random.next()) {
      for (index, byte) in $0.prefix(bytes.count).enumerated() { bytes[index] = byte }
    }
    return bytes
  }

  static func read(_ path: String) -> [UInt8]? { TemporaryDirectory.read(path) }

  // MARK: Writing

  /// Replaces the file atomically.
  func replace(_ slot: Slot, with bytes: [UInt8]) throws {
    let temporary = directory + "/.new"
    try Self.write(bytes, to: temporary, flags: O_CREAT | O_TRUNC)
    guard rename(temporary, slot.path) == 0 else { throw TortureFailure.system(slot.path) }
  }

  /// Overwrites with a single call.
  static func write(_ bytes: [UInt8], to path: String, flags: CInt, at offset: Int = 0) throws {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | flags, 0o600)
    guard descriptor >= 0 else { throw TortureFailure.system(path) }
    defer { close(descriptor) }
    guard bytes.isEmpty || pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count else {
      throw TortureFailure.system(path)
    }
  }
}

/// The Merkle root of BEP 52 in its simplest form: the oracle for every fetched file, independent of the implementation.
package enum MerkleRoot {
  private static let blockSize = 16_384

  package static func content(of bytes: [UInt8]) -> Content? {
    guard !bytes.isEmpty else { return .empty }
    var layer = stride(from: 0, to: bytes.count, by: blockSize).map { start in
      Array(SHA256.hash(data: bytes[start..<min(start + blockSize, bytes.count)]))
    }
    var width = 1
    while width < layer.count { width *= 2 }
    layer += Array(repeating: [UInt8](repeating: 0, count: Digest.byteCount), count: width - layer.count)
    while layer.count > 1 {
      layer = stride(from: 0, to: layer.count, by: 2).map { Array(SHA256.hash(data: layer[$0] + layer[$0 + 1])) }
    }
    return Digest(bytes: layer[0]).flatMap { Content(root: $0, size: Int64(bytes.count)) }
  }
}
