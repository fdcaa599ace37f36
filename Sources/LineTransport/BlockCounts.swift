// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// How many of something each address block has. A site has `AddressBlock.sharesOfSite` times the limit of its blocks.
package struct BlockCounts: Sendable {
  private var counts: [AddressBlock: Int] = [:]

  package init() {}

  package var isEmpty: Bool { counts.isEmpty }

  package func hasRoom(for block: AddressBlock, limit: Int) -> Bool {
    guard counts[block, default: 0] < limit else { return false }
    return block.site.map { counts[$0, default: 0] < limit * AddressBlock.sharesOfSite } ?? true
  }

  package mutating func add(_ block: AddressBlock) {
    change(block, by: 1)
  }

  package mutating func subtract(_ block: AddressBlock) {
    change(block, by: -1)
  }

  private mutating func change(_ block: AddressBlock, by difference: Int) {
    for block in [block, block.site].compactMap(\.self) {
      let count = counts[block, default: 0] + difference
      counts[block] = count > 0 ? count : nil
    }
  }
}
