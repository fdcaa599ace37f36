// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Checks a stream of bytes, in portions of any size, against leaves that are already proven.
///
/// Bytes are verified a block at a time. The caller may store unverified bytes but must not serve them.
package struct BlockVerifier: Sendable {
  package enum Outcome: Hashable, Sendable {
    /// Everything before this offset of the content is verified.
    case verified(upTo: Int64)
    /// A block does not match its hash: the sender is malicious or broken.
    case wrong(block: Int64)
    /// Bytes beyond the last leaf.
    case excess
  }

  private let geometry: PieceGeometry
  private let firstBlock: Int64
  private let leaves: [UInt8]
  private var block: Int64
  private var received: Int64 = 0
  private var hash = RunningHash()

  /// Verifies a run of whole blocks.
  /// - Parameters:
  ///   - firstBlock: the block with which the run and the bytes begin.
  ///   - leaves: proven leaves from that block on, 32 bytes each.
  package init(content: Content, firstBlock: Int64, leaves: [UInt8]) {
    geometry = content.geometry
    self.firstBlock = firstBlock
    self.leaves = leaves
    block = firstBlock
  }

  /// Whether every block of the run was received and verified.
  package var isComplete: Bool { received == 0 && leaf(of: block) == nil }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    var rest = bytes[...]
    while !rest.isEmpty {
      if let isRight = verifyPair(&rest) {
        guard isRight else { return .wrong(block: block) }
        continue
      }
      guard let leaf = leaf(of: block) else { return .excess }
      let range = geometry.blockRange(block)
      let length = Int64(range.count)
      let part = rest.prefix(Int(length - received))
      hash.append(UnsafeRawBufferPointer(rebasing: part))
      received += Int64(part.count)
      rest = rest.dropFirst(part.count)
      guard received == length else { break }
      guard leaves.withUnsafeBytes({ hash.finish(matches: UnsafeRawBufferPointer(rebasing: $0[leaf])) }) else {
        return .wrong(block: block)
      }
      block += 1
      received = 0
    }
    return .verified(upTo: geometry.blockRange(block).lowerBound)
  }

  /// Two whole blocks at a time, which is faster.
  /// - Returns: whether they are right; if not, `block` is the first that is wrong. `nil` if there are no two.
  private mutating func verifyPair(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Bool? {
    let (length, node) = (Int(PieceGeometry.blockLength), MerkleTree.nodeLength)
    guard received == 0, rest.count >= 2 * length, let first = leaf(of: block), leaf(of: block + 1) != nil,
      geometry.blockRange(block + 1).count == length
    else { return nil }
    let pair = rest.prefix(2 * length)
    rest = rest.dropFirst(2 * length)
    let rightCount = withUnsafeTemporaryAllocation(byteCount: 2 * node, alignment: 8) { hashes in
      SHA256Hashing.hash(
        UnsafeRawBufferPointer(rebasing: pair.prefix(length)),
        UnsafeRawBufferPointer(rebasing: pair.dropFirst(length)), into: hashes)
      return leaves.withUnsafeBytes { leaves in
        let expected = leaves[first.lowerBound..<first.lowerBound + 2 * node]
        guard expected.prefix(node).elementsEqual(hashes.prefix(node)) else { return 0 }
        return expected.elementsEqual(hashes) ? 2 : 1
      }
    }
    block += Int64(rightCount)
    return rightCount == 2
  }

  /// The position of a block's hash in `leaves`; `nil` beyond the run or the content.
  private func leaf(of block: Int64) -> Range<Int>? {
    guard firstBlock >= 0, block >= firstBlock, block < geometry.blockCount else { return nil }
    let start = Int(block - firstBlock) * MerkleTree.nodeLength
    guard start + MerkleTree.nodeLength <= leaves.count else { return nil }
    return start..<start + MerkleTree.nodeLength
  }
}
