// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// A file being hashed. Its leaves are stored in any order; at the end the file is checked for changes.
final class HashJob: Sendable {
  let index: Int
  let path: String
  let size: Int64
  private let file: OpenFile
  private let fingerprint: FileFingerprint
  private let isRacy: Bool
  private let draft: LayerDraft

  init(index: Int, path: String, layers: LayerStore, clock: FileClock) throws(StoreError) {
    let (file, status) = try OpenFile.reading(path)
    // On the descriptor that is hashed: what a path leads to may change at any time.
    if let content = PrivateContent(file) { throw StoreError(.isPrivate, path, content.reason) }
    let fingerprint = FileFingerprint(status)
    guard fingerprint.size <= Content.maximumSize else {
      throw StoreError(.notAFile, path, "has more than \(Content.maximumSize) bytes")
    }
    self.index = index
    self.path = path
    self.file = file
    self.fingerprint = fingerprint
    size = fingerprint.size
    isRacy = !clock.waitUntilLaterChangeShows(fingerprint)
    draft = try layers.draft(size: size)
  }

  /// Hashes a range that begins at a block boundary and ends at one or at the end of the file.
  /// - Parameter buffer: its length is a multiple of the block length.
  func hash(
    _ range: Range<Int64>, buffer: UnsafeMutableRawBufferPointer, isCancelled: () -> Bool, advanced: (Int64) -> Void
  ) throws(StoreError) {
    var leaves = [UInt8]()
    leaves.reserveCapacity(Int(range.count / Int(PieceGeometry.blockLength) + 1) * MerkleTree.nodeLength)
    var offset = range.lowerBound
    while offset < range.upperBound {
      guard !isCancelled() else { throw StoreError(.cancelled, path, "hashing was cancelled") }
      let length = Int(min(range.upperBound - offset, Int64(buffer.count)))
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
      guard try file.read(into: part, at: offset) == length else { throw changed }
      MerkleTree.appendLeaves(of: UnsafeRawBufferPointer(part), to: &leaves)
      offset += Int64(length)
      advanced(Int64(length))
    }
    try draft.put(leaves, from: range.lowerBound / PieceGeometry.blockLength)
  }

  /// Call it after all ranges are hashed.
  func finish() throws(StoreError) -> HashedFile {
    // A file that grew has another size. Files of /proc have size 0 but contain bytes.
    guard try file.fingerprint() == fingerprint, try isAtEnd() else { throw changed }
    return HashedFile(path: path, layer: try draft.finish(), fingerprint: fingerprint, isRacy: isRacy)
  }

  private func isAtEnd() throws(StoreError) -> Bool {
    var byte: UInt8 = 0
    do {
      return try withUnsafeMutableBytes(of: &byte) { try file.read(into: $0, at: size) } == 0
    } catch let error as StoreError {
      throw error
    } catch {
      throw changed
    }
  }

  private var changed: StoreError { StoreError(.changed, path, "changed while it was being hashed") }
}

/// A hashed file.
package struct HashedFile: Sendable {
  package let path: String
  package let layer: LeafLayer
  /// The same before and after reading.
  package let fingerprint: FileFingerprint
  /// Changed so recently that a later change could leave the same time stamps: the hash is correct now, but must not be
  /// looked up by the fingerprint.
  package let isRacy: Bool

  package var content: Content { layer.content }

  package init(path: String, layer: LeafLayer, fingerprint: FileFingerprint, isRacy: Bool) {
    self.path = path
    self.layer = layer
    self.fingerprint = fingerprint
    self.isRacy = isRacy
  }
}
