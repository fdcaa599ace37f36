// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel

/// What to ask a source for, in which order: the leaves of a stretch of the content, then its bytes, then the leaves of
/// the next. By the time bytes come, the leaves that prove them have come.
package struct FetchSchedule {
  package enum Step: Hashable {
    case hashes(HashRange)
    case get(offset: Int64, length: Int64)
  }

  private let content: Content
  /// The first byte not asked for.
  private var next: Int64
  /// The end of the stretch whose leaves are asked for, or known.
  private var covered: Int64

  /// - Parameter start: where to begin, the first byte of a block.
  package init(content: Content, from start: Int64) {
    self.content = content
    next = start
    // The root of a single block is its hash.
    covered = content.geometry.blockCount <= 1 ? content.size : start
  }

  package var isFinished: Bool { next >= content.size }

  /// - Parameter limit: the most bytes that the source gives at once.
  package mutating func step(limit: Int64) -> Step? {
    guard !isFinished else { return nil }
    let block = next / PieceGeometry.blockLength
    if next >= covered {
      guard let range = HashRange.leaves(around: block, of: content) else { return nil }
      covered = content.geometry.blockRange(range.index + Int64(range.length) - 1).upperBound
      return .hashes(range)
    }
    // Whole blocks if the source gives that much at a time.
    let most =
      limit < PieceGeometry.blockLength ? max(limit, 1) : limit / PieceGeometry.blockLength * PieceGeometry.blockLength
    let length = min(most, covered - next)
    defer { next += length }
    return .get(offset: next, length: length)
  }
}
