// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import WireProtocol

/// Writes the reply to `lookup` while the index is walked: nothing is collected in between.
struct LookupWriter: LookupVisitor {
  private enum Request {
    case usual(UsualLookup)
    case other(id: Int64)
  }

  private let request: Request
  private var rows: RowWriter
  private var contents = 0

  init(id: Int64, asker: Asker, _ buffer: RowBuffer) {
    request = .other(id: id)
    rows = RowWriter(asker: asker, output: buffer)
  }

  init(_ lookup: UsualLookup, asker: Asker, _ buffer: RowBuffer) {
    request = .usual(lookup)
    rows = RowWriter(asker: asker, output: buffer)
  }

  mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer) {
    if contents == 0 { begin(key) } else { rows.output.endHolders() }
    rows.output.beginContent(
      facts.content, title: title, modified: facts.modified, executable: facts.executable, total: facts.total,
      edition: facts.edition, isFirst: contents == 0)
    contents += 1
    rows.holders = 0
  }

  mutating func visit(_ holder: Holder) { rows.write(holder) }

  mutating func visit(label: UnsafeRawBufferPointer, isLocal: Bool, complete: Bool) -> Bool {
    rows.write(label, isLocal, complete)
  }

  private func begin(_ key: UnsafeRawBufferPointer) {
    switch request {
    case .usual(let lookup): rows.output.beginLookup(lookup)
    case .other(let id): rows.output.beginLookup(id: id, key: key)
    }
  }

  /// Ends the reply, unless nothing was visited and so nothing written.
  func finish(_ outcome: LookupOutcome) {
    guard case .found(let more) = outcome else { return }
    rows.output.endHolders()
    rows.output.endLookup(more: more)
  }
}

/// Writes a page of a list, row by row as they are found.
struct PageWriter: ListVisitor {
  /// A page ends with the row that reaches this many bytes, which keeps it below the limit of a line.
  private static let maxBytes = 768 * 1024
  private static let usualBytesOfRow = 512

  private var rows: RowWriter
  private var count = 0
  private var isInDocument = false

  /// - Parameters:
  ///   - limit: rows that it may have.
  ///   - ready: of the event loop.
  init(id: Int64, asker: Asker, rows limit: Int, ready: ReadyRows) {
    let capacity = min(limit * Self.usualBytesOfRow, Self.maxBytes)
    rows = RowWriter(asker: asker, output: RowBuffer(capacity: capacity, ready: ready))
    rows.output.beginList(id: id)
  }

  var isFull: Bool { rows.output.count > Self.maxBytes }

  mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer) {
    endDocument()
    rows.output.beginDocument(
      facts.content, key: key, title: title, modified: facts.modified, executable: facts.executable,
      total: facts.total, edition: facts.edition, isFirst: count == 0)
    count += 1
    rows.holders = 0
    isInDocument = true
  }

  mutating func visit(_ level: LevelListing) {
    endDocument()
    rows.output.level(level, isFirst: count == 0)
    count += 1
  }

  mutating func visit(_ holder: Holder) { rows.write(holder) }

  mutating func visit(label: UnsafeRawBufferPointer, isLocal: Bool, complete: Bool) -> Bool {
    rows.write(label, isLocal, complete)
  }

  /// - Parameter next: where the next page begins.
  mutating func finish(next: ListPosition?, _ output: inout JSONWriter) {
    endDocument()
    rows.output.endList(next: next?.cursor)
    rows.output.move(to: &output)
  }

  private mutating func endDocument() {
    if isInDocument { rows.output.endHolders() }
    isInDocument = false
  }
}

/// Writes the holders of a row.
private struct RowWriter {
  let asker: Asker
  let output: RowBuffer
  /// Those of the row so far.
  var holders = 0

  mutating func write(_ holder: Holder) {
    let host = HolderAddresses.reported(holder.host, to: asker)
    let shown = Holder(
      peer: holder.peer, name: holder.name, host: host, port: holder.port, complete: holder.complete,
      proven: holder.proven)
    shown.label.withUnsafeBytes { output.holder($0, complete: holder.complete, isFirst: holders == 0) }
    holders += 1
  }

  /// - Returns: false if the label is not for this asker.
  mutating func write(_ label: UnsafeRawBufferPointer, _ isLocal: Bool, _ complete: Bool) -> Bool {
    guard !label.isEmpty, !isLocal || asker.reachedAt == nil else { return false }
    output.holder(label, complete: complete, isFirst: holders == 0)
    holders += 1
    return true
  }
}
