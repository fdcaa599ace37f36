// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Checks bytes as they come, in any portions, against leaves that were proven before.
///
/// Bytes count as verified only with their whole block: write them where you like, but show them to nobody before.
package struct BlockVerifier: Sendable {
  package enum Outcome: Hashable, Sendable {
    /// All before this offset of the content is verified.
    case verified(upTo: Int64)
    /// A block does not have its hash: whoever sent it lies or is broken.
    case wrong(block: Int64)
    /// More bytes than there are leaves for.
    case excess
  }

  private let geometry: PieceGeometry
  private let firstBlock: Int64
  private let leaves: [UInt8]
  private var block: Int64
  private var received: Int64 = 0
  private var hash = RunningHash()

  /// For a run of whole blocks.
  /// - Parameters:
  ///   - firstBlock: where the run begins; bytes are expected from its start on.
  ///   - leaves: proven leaves from that block on, 32 bytes each.
  package init(content: Content, firstBlock: Int64, leaves: [UInt8]) {
    geometry = content.geometry
    self.firstBlock = firstBlock
    self.leaves = leaves
    block = firstBlock
  }

  /// Whether everything that there are leaves for has come and is right.
  package var isComplete: Bool { received == 0 && leaf(of: block) == nil }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    var rest = bytes[...]
    while !rest.isEmpty {
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

  /// Where in `leaves` a block's hash is; `nil` beyond the run or the content.
  private func leaf(of block: Int64) -> Range<Int>? {
    guard firstBlock >= 0, block >= firstBlock, block < geometry.blockCount else { return nil }
    let start = Int(block - firstBlock) * MerkleTree.nodeLength
    guard start + MerkleTree.nodeLength <= leaves.count else { return nil }
    return start..<start + MerkleTree.nodeLength
  }
}
