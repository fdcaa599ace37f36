// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing
import Torture

@Suite struct MerkleRootTests {
  /// Roots of the pattern's beginnings, computed by libtorrent.
  private static let roots: [(Int, String)] = [
    (0, "0000000000000000000000000000000000000000000000000000000000000000"),
    (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (16_383, "8f840ef852c1e3ad3096fe9b0ea35bb9577b685033e14b72fabeeb385508cabf"),
    (16_384, "83a5ee9c1db0b82ae94961fee75a195f6104c65235c07590569657709c1316e8"),
    (16_385, "86133d0e4897ec6696772fc802c34ef508d516763aad75b6556d199f77909455"),
    (1_000_000, "43b2b72225612bcd406edb7dec0028fb8c89599e484a2f0261e4d18d544b52bf"),
  ]

  @Test(arguments: roots) func theOracleAgreesWithAnotherImplementation(_ size: Int, _ root: String) {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: ($0 % 65_536) * 31 + ($0 % 65_536) >> 8) }
    let content = MerkleRoot.content(of: bytes)
    #expect(content?.root.hex == root)
    #expect(content?.size == Int64(size))
  }
}
