// SPDX-License-Identifier: Apache-2.0

/// The digests that begin with the same hex digits: a range in their order.
package struct DigestPrefix: Hashable, Sendable {
  package let first: Digest
  package let last: Digest
  private let length: Int

  /// 1 to 64 lower-case hex digits; `nil` for anything else.
  package init?(hex: String) {
    let length = hex.utf8.count
    guard (1...2 * Digest.byteCount).contains(length) else { return nil }
    let missing = 2 * Digest.byteCount - length
    guard let first = Digest(hex: hex + String(repeating: "0", count: missing)),
      let last = Digest(hex: hex + String(repeating: "f", count: missing))
    else { return nil }
    self.first = first
    self.last = last
    self.length = length
  }

  /// The prefix of one digest: all its digits.
  package init(_ digest: Digest) {
    first = digest
    last = digest
    length = 2 * Digest.byteCount
  }

  package func contains(_ digest: Digest) -> Bool { first <= digest && digest <= last }

  /// The digits.
  package var hex: String { String(first.hex.prefix(length)) }
  /// Whether it is the prefix of one digest only.
  package var isWhole: Bool { length == 2 * Digest.byteCount }
}
