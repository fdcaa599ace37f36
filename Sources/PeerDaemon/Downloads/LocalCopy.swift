// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel

/// Copies a content from a finished file of this machine, every block proven as if it came from a peer. A file that is not
/// shared is hashed first. Blocks.
package struct LocalCopy {
  private let path: String
  private let file: PieceFile
  private let catalogue: Catalogue

  package init(from path: String, into file: PieceFile, catalogue: Catalogue) {
    self.path = path
    self.file = file
    self.catalogue = catalogue
  }

  /// - Parameter isCancelled: ends it early; what was copied stays.
  package func run(_ isCancelled: @Sendable () -> Bool) throws(StoreError) {
    let source = try OpenFile.reading(path).file
    let geometry = file.content.geometry
    guard let tree = try tree(isCancelled) else { return }
    for piece in 0..<Int(geometry.pieceCount) where !file.pieces.contains(piece) {
      guard !isCancelled() else { return }
      guard try copy(Int64(piece), from: source, tree) else { return }
      try file.complete(piece)
    }
  }

  /// `nil` if the file has another content by now.
  private func tree(_ isCancelled: @Sendable () -> Bool) throws(StoreError) -> HashTree? {
    if let known = try catalogue.tree(of: file.content) { return known }
    let hashed = try FileHasher(layers: catalogue.layers).hash(path, isCancelled: isCancelled)
    return hashed.content == file.content ? try hashed.layer.tree() : nil
  }

  /// - Returns: false if the bytes or the hashes are not right.
  private func copy(_ piece: Int64, from source: OpenFile, _ tree: HashTree) throws(StoreError) -> Bool {
    let (content, geometry) = (file.content, file.content.geometry)
    let end = min((piece + 1) * geometry.pieceLength, content.size)
    var position = piece * geometry.pieceLength
    while position < end {
      let block = position / PieceGeometry.blockLength
      guard let range = HashRange.leaves(around: block, of: content) else { return false }
      let hashes = try tree.hashes(range)
      guard try file.put(range, hashes) else { return false }
      let count = min(Int64(range.length), geometry.blockCount - range.index)
      let known = Int(block - range.index) * MerkleTree.nodeLength
      let leaves = Array(hashes.prefix(Int(count) * MerkleTree.nodeLength).dropFirst(known))
      let last = min(end, (range.index + count) * PieceGeometry.blockLength)
      var verifier = BlockVerifier(content: content, firstBlock: block, leaves: leaves)
      while position < last {
        let bytes = try Self.read(source, Int(min(last - position, 256 << 10)), at: position)
        guard !bytes.isEmpty, case .verified(let verified) = bytes.withUnsafeBytes({ verifier.append($0) }),
          verified == position + Int64(bytes.count)
        else { return false }
        let written = bytes.withUnsafeBytes { bytes in
          Result { () throws(StoreError) in try file.write(bytes, at: position) }
        }
        try written.get()
        position = verified
      }
    }
    return true
  }

  private static func read(_ source: OpenFile, _ count: Int, at offset: Int64) throws(StoreError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let filled = try bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(StoreError) in try source.read(into: buffer, at: offset) }
    }.get()
    return Array(bytes.prefix(filled))
  }
}
