// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// What an index writes piece by piece is what the messages read.
struct IndexRowsTests {
  private static let titles = [
    "", "plain", #"quoted " and \ and /"#, "žluťoučký 猫", String(repeating: "\\\"", count: 200),
  ]

  private let time = Timestamp(seconds: 1_767_323_045)

  private func holder(_ number: UInt8, host: String = "192.0.2.7", complete: Bool = true) throws -> Holder {
    let id = PeerID(digest: try #require(Digest(bytes: [UInt8](repeating: number, count: 32))))
    return Holder(peer: id, name: try PeerName("peer-\(number)"), host: host, port: .max, complete: complete)
  }

  private func content(_ number: UInt8, size: Int64) throws -> Content {
    let root = try #require(Digest(bytes: (0..<32).map { number &+ $0 &* 9 }))
    return try #require(Content(root: root, size: size))
  }

  private func fields<Message>(_ rows: RowBuffer, _ read: (JSONObject) throws -> Message) throws -> Message {
    var writer = JSONWriter()
    rows.move(to: &writer)
    #expect(rows.count == 0)
    #expect(writer.bytes.last == UInt8(ascii: "\n"))
    var reader = JSONReader()
    return try reader.read(Array(writer.bytes.dropLast())) { try read($0) }
  }

  @Test(arguments: titles)
  func `reply to lookup is read as it was written`(title: String) throws {
    let (title, key) = (try Title(title), try DocumentKey("file/a b\u{22}c"))
    let holders = [try holder(1), try holder(2, host: "2001:db8::1", complete: false)]
    let listings = [
      ContentListing(
        content: try content(1, size: 1), title: title, modified: time, executable: true, total: 2, holders: holders),
      ContentListing(
        content: try content(2, size: Content.maximumSize), title: .empty, modified: Timestamp(seconds: 0), total: 0,
        holders: []),
    ]
    // Smaller than a row.
    let writer = RowBuffer(capacity: 0)
    writer.beginLookup(id: 7, key: key)
    for (number, listing) in listings.enumerated() {
      writer.begin(listing, isFirst: number == 0)
      writer.write(listing.holders)
    }
    writer.endLookup(more: 3)
    let reply = try fields(writer) { line in
      #expect(try line.requestID() == 7)
      #expect(line["status"]?.integer == 200)
      return try LookupReply(line)
    }
    #expect(reply == LookupReply(key: key, contents: listings, more: 3))
  }

  /// The title of a row tells which edition it is.
  private func rows(_ numbers: [UInt64], ready: ReadyRows?) throws -> [UInt8] {
    let writer = RowBuffer(capacity: 0, ready: ready)
    for number in numbers {
      let title = Array("\(number) \(String(repeating: "x", count: Int(number % 1000)))".utf8)
      let content = try content(UInt8(truncatingIfNeeded: number), size: Int64(number))
      title.withUnsafeBytes {
        writer.beginContent(
          content, title: $0, modified: time, executable: number % 2 == 0, total: 3, edition: number, isFirst: false)
        writer.beginDocument(
          content, key: $0, title: $0, modified: time, executable: false, total: 3, edition: number + 1_000_000,
          isFirst: false)
      }
    }
    var bytes = JSONWriter()
    writer.move(to: &bytes)
    return bytes.bytes
  }

  @Test func `ready rows say what rows say that are made anew`() throws {
    var generator = SeededGenerator(seed: 3)
    let ready = ReadyRows()
    for _ in 0..<200 {
      // Short and long ones, known and new ones, and others that take the place of one.
      let numbers = (0..<20).map { _ in
        UInt64.random(in: 1...20, using: &generator) * 100 + 2048 * UInt64.random(in: 0...1, using: &generator)
      }
      #expect(try rows(numbers, ready: ready) == rows(numbers, ready: nil))
    }
  }

  @Test(arguments: titles, [nil, "next\u{22}"])
  func `page of a list is read as it was written`(title: String, next: String?) throws {
    let document = Document(
      key: try DocumentKey("data/x\u{5C}y"), title: try Title(title), content: try content(3, size: 1234567890),
      modified: time, executable: false)
    let rows: [ListRow] = [
      .document(DocumentListing(document: document, total: 12, holders: [try holder(3), try holder(4)])),
      .level(LevelListing(prefix: "data/\u{22}/", documents: 45)),
      .document(DocumentListing(document: document, total: 1, holders: [])),
    ]
    // Smaller than a row.
    let writer = RowBuffer(capacity: 0)
    writer.beginList(id: .max)
    for (number, row) in rows.enumerated() {
      switch row {
      case .level(let level): writer.level(level, isFirst: number == 0)
      case .document(let listing):
        writer.begin(listing, isFirst: number == 0)
        writer.write(listing.holders)
      }
    }
    writer.endList(next: next)
    try fields(writer) { line in
      #expect(line["id"]?.integer == .max)
      #expect(line["next"]?.string == next)
      let read = try line.elements("documents") { fields throws(WireFailure) in try ListRow(fields) }
      #expect(read == rows)
    }
  }
}

extension RowBuffer {
  fileprivate func beginLookup(id: Int64, key: DocumentKey) {
    Array(key.text.utf8).withUnsafeBytes { beginLookup(id: id, key: $0) }
  }

  fileprivate func begin(_ listing: ContentListing, isFirst: Bool) {
    Array(listing.title.text.utf8).withUnsafeBytes { title in
      beginContent(
        listing.content, title: title, modified: listing.modified, executable: listing.executable,
        total: listing.total, isFirst: isFirst)
    }
  }

  fileprivate func begin(_ listing: DocumentListing, isFirst: Bool) {
    let document = listing.document
    Array(document.key.text.utf8).withUnsafeBytes { key in
      Array(document.title.text.utf8).withUnsafeBytes { title in
        beginDocument(
          document.content, key: key, title: title, modified: document.modified, executable: document.executable,
          total: listing.total, isFirst: isFirst)
      }
    }
  }

  fileprivate func write(_ holders: [Holder]) {
    for (place, holder) in holders.enumerated() {
      holder.label.withUnsafeBytes { self.holder($0, complete: holder.complete, isFirst: place == 0) }
    }
    endHolders()
  }
}
