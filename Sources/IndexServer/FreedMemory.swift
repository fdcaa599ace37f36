// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Decides when freed memory is given back to the system: a value without I/O.
///
/// While the allocator gives memory back it is locked, and whoever allocates waits: for the time that the freed pages take,
/// and, where what is left lies scattered among them, for a look at every gap. So it is done a part at a time, and not again
/// after one that took long, until little is left.
package struct FreedMemory: Sendable {
  /// Bytes that are given back at a time.
  package static let part = 16 << 20
  /// Longer is too long.
  package static let longest = TimeAmount.milliseconds(10)
  /// Of what there was, little is a share of this.
  private static let little = 8

  /// What there was before anything was freed, and since memory was last given back, in bytes.
  private var most = 0
  private var last = 0
  private var isUnderWay = false
  private var isSlow = false

  package init() {}

  /// Call it before much is freed.
  /// - Parameter bytes: what is in use now.
  package mutating func willFree(from bytes: Int) {
    most = max(most, bytes)
    last = max(last, bytes)
  }

  /// - Returns: whether to give memory back now; then call `gaveBack`.
  package mutating func shouldGiveBack(_ bytes: Int) -> Bool {
    guard !isUnderWay, last - bytes >= Self.part, !isSlow || bytes <= most / Self.little else { return false }
    last = bytes
    isUnderWay = true
    return true
  }

  package mutating func gaveBack(in time: TimeAmount, _ bytes: Int) {
    isUnderWay = false
    isSlow = time > Self.longest
    if bytes <= most / Self.little { (most, isSlow) = (bytes, false) }
  }
}
