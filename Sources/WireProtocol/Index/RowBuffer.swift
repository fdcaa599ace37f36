// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import LineJSON

/// Memory in which an index writes its answers, part by part with one check for room for several: it writes a million rows a
/// second. What is put must be valid JSON, commas included.
package final class RowBuffer {
  private var start: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  // Used by its owner only, and by no call twice at once.
  @exclusivity(unchecked) private var position: UnsafeMutablePointer<UInt8>
  private let ready: ReadyRows?

  /// Room for a number.
  static let number = 20

  /// - Parameters:
  ///   - capacity: in bytes, to begin with.
  ///   - ready: of the same kind of answers.
  package init(capacity: Int, ready: ReadyRows? = nil) {
    self.ready = ready
    self.capacity = max(64, capacity)
    start = .allocate(capacity: self.capacity)
    position = start
  }

  deinit {
    start.deallocate()
  }

  /// Bytes written.
  package var count: Int { position - start }

  /// Appends all to a writer, and is empty again.
  package func move(to writer: inout JSONWriter) {
    writer.bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    position = start
  }

  package func removeAll() { position = start }

  // MARK: Parts

  /// Makes room for what is put next, in bytes.
  @inline(__always)
  func reserve(_ room: Int) {
    if count + room > capacity { grow(room) }
  }

  private func grow(_ room: Int) {
    let used = count
    capacity = max(2 * capacity, used + room)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.initialize(from: start, count: used)
    start.deallocate()
    start = larger
    position = larger + used
  }

  @inline(__always)
  func put(_ literal: StaticString) {
    UnsafeMutableRawPointer(position).copyMemory(from: literal.utf8Start, byteCount: literal.utf8CodeUnitCount)
    position += literal.utf8CodeUnitCount
  }

  /// A number of 0 or more.
  @inline(__always)
  func put(_ number: Int64) {
    var rest = UInt64(max(0, number))
    var (digits, bound) = (1, UInt64(10))
    while digits < 19, rest >= bound {
      digits += 1
      bound &*= 10
    }
    var place = digits
    while place > 0 {
      place -= 1
      position[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    position += digits
  }

  /// A text with its quotation marks.
  func put(quoted text: UnsafeRawBufferPointer) {
    position += JSONWriter.putQuoted(text, at: position)
  }

  func put(quoted text: String) {
    Array(text.utf8).withUnsafeBytes { put(quoted: $0) }
  }

  @inline(__always)
  func put(bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    UnsafeMutableRawPointer(position).copyMemory(from: base, byteCount: bytes.count)
    position += bytes.count
  }

  /// Puts what `write` makes room for and puts; as it is known, if it is. A comma comes before it, unless it is the first.
  /// - Parameter edition: the same number only for the same bytes.
  @inline(__always)
  func putReady(_ edition: UInt64?, isFirst: Bool, _ write: () -> Void) {
    reserve(1 + ReadyRows.room)
    if !isFirst { put(",") }
    guard let ready, let edition else { return write() }
    if let known = ready[edition] { return put(bytes: known) }
    let before = count
    write()
    ready.keep(UnsafeRawBufferPointer(start: start + before, count: count - before), as: edition)
  }

  @inline(__always)
  func put(_ digest: Digest) {
    digest.writeHex(to: position)
    position += Digest.hexCount
  }

  @inline(__always)
  func put(_ time: Timestamp) {
    time.writeText(to: position)
    position += Timestamp.textCount
  }
}
