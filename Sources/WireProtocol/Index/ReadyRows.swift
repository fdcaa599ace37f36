// SPDX-License-Identifier: Apache-2.0

/// What the last answers of one kind said of documents, as bytes to be copied into the next ones: most questions are for few
/// documents, and digests, times and texts take longer to write than to find. The memory is bounded, and taken when used.
package final class ReadyRows {
  private static let rows = 2048
  /// For each, in bytes. Longer ones are not kept.
  static let room = 512

  /// The edition of each row; 0 for none.
  private let editions = UnsafeMutablePointer<UInt64>.allocate(capacity: rows)
  private let counts = UnsafeMutablePointer<UInt16>.allocate(capacity: rows)
  private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: rows * room)

  package init() {
    editions.initialize(repeating: 0, count: Self.rows)
    counts.initialize(repeating: 0, count: Self.rows)
  }

  deinit {
    editions.deallocate()
    counts.deallocate()
    bytes.deallocate()
  }

  /// Valid until another row is kept; `nil` if it is not known.
  @inline(__always)
  subscript(edition: UInt64) -> UnsafeRawBufferPointer? {
    let row = Self.row(edition)
    guard editions[row] == edition, edition != 0 else { return nil }
    return UnsafeRawBufferPointer(start: bytes + row * Self.room, count: Int(counts[row]))
  }

  func keep(_ row: UnsafeRawBufferPointer, as edition: UInt64) {
    guard row.count <= Self.room else { return }
    let place = Self.row(edition)
    editions[place] = edition
    counts[place] = UInt16(row.count)
    UnsafeMutableRawBufferPointer(start: bytes + place * Self.room, count: row.count).copyMemory(from: row)
  }

  private static func row(_ edition: UInt64) -> Int { Int(truncatingIfNeeded: edition) & (rows - 1) }
}
