// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What a watch reports: the holders of one content, or the documents that a filter selects.
package enum WatchQuery: WireMessage, Hashable {
  case content(Content)
  case documents(DocumentFilter)

  package init(_ fields: some FieldReader) throws(WireFailure) {
    guard fields.value("content") != nil || fields.value("size") != nil else {
      self = .documents(try DocumentFilter(fields))
      return
    }
    guard try DocumentFilter(fields) == .all else {
      throw .badRequest("watch takes either content and size, or any of key, prefix, collection and words")
    }
    self = .content(try fields.content())
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .content(let content): fields.members(of: content)
    case .documents(let filter): filter.write(to: &fields)
    }
  }
}

/// Which documents a watch reports. All parts that are present must match.
package struct DocumentFilter: WireMessage, Hashable {
  /// Every document.
  package static let all = DocumentFilter()

  package var key: DocumentKey?
  /// The beginning of keys; it may end inside a segment.
  package var prefix: String?
  package var collection: String?
  /// Each must begin a word of the title or key. Empty: not a condition.
  package var words: String

  package init(key: DocumentKey? = nil, prefix: String? = nil, collection: String? = nil, words: String = "") {
    self.key = key
    self.prefix = prefix
    self.collection = collection
    self.words = words
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    key = try fields.value("key") == nil ? nil : fields.key()
    prefix = try fields.value("prefix") == nil ? nil : fields.keyPrefix("prefix")
    collection = try fields.optionalCollection()
    words = try fields.optionalWords()
  }

  package func write(to fields: inout some FieldWriter) {
    if let key { fields.member("key", key.text) }
    if let prefix { fields.member("prefix", prefix) }
    if let collection { fields.member("collection", collection) }
    if !words.isEmpty { fields.member("words", words) }
  }
}

extension FieldReader {
  /// Words to search for; empty if there are none.
  func optionalWords() throws(WireFailure) -> String {
    // More than this many bytes of words find nothing that fewer would not.
    let limit = 1024
    let words = try optionalString("words") ?? ""
    guard words.utf8.count <= limit else { throw .badRequest("words has at most \(limit) bytes") }
    return words
  }

  /// The number of a watch, or of one of its events: 1…2^53 − 1.
  func watchNumber(_ name: StaticString) throws(WireFailure) -> Int {
    try integer(name, in: 1...Int(Content.maximumSize))
  }
}

/// The reply to `watch`.
package struct WatchReply: WireReply {
  /// The number of the watch, unique within the session.
  package let watch: Int

  package init(watch: Int) {
    self.watch = watch
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    watch = try fields.watchNumber("watch")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("watch", watch)
  }
}

/// What has changed about one holder of a watched content.
package enum HolderChange: String, CaseIterable, Sendable {
  case joined, completed, left
}

/// What has changed about one watched document.
package enum DocumentChange: String, CaseIterable, Sendable {
  /// Its first complete record was added.
  case appeared
  /// Its title or time is another.
  case updated
  /// Its last complete record was removed.
  case gone
}

/// A line that the index sends for a watch.
package struct WatchEvent: WireMessage {
  package enum Body: Equatable, Sendable {
    /// A holder of the watched content.
    case holder(HolderChange, Holder)
    /// A document that the filter selects, and the number of its holders.
    case document(DocumentChange, Document, total: Int)
    /// All that was there when the watch began has been sent; what follows are changes.
    case current
    /// The watcher read too slowly; events were dropped, and the watch has ended.
    case overflow
  }

  /// The number in the reply to `watch`.
  package let watch: Int
  /// 1, 2, 3 … within the watch.
  package let seq: Int
  package let body: Body

  package init(watch: Int, seq: Int, _ body: Body) {
    self.watch = watch
    self.seq = seq
    self.body = body
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    let event = try fields.string("event")
    watch = try fields.watchNumber("watch")
    seq = try fields.watchNumber("seq")
    body =
      switch event {
      case "holder": .holder(try fields.word("change"), try Holder(fields.object("holder")))
      case "document":
        .document(try fields.word("change"), try Document(fields), total: try fields.count("total"))
      case "current": .current
      case "overflow": .overflow
      default: throw .badRequest("event is one of holder, document, current, overflow")
      }
  }

  /// Not generic, so the compiler specialises it within this module: a client reads one per line.
  ///
  /// - Returns: `nil` for a line without `event`: a reply.
  package static func read(_ line: JSONObject) throws(WireFailure) -> WatchEvent? {
    line["event"] == nil ? nil : try WatchEvent(line)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("event", name)
    fields.member("watch", watch)
    fields.member("seq", seq)
    switch body {
    case .holder(let change, let holder):
      fields.member("change", change.rawValue)
      fields.object("holder", holder)
    case .document(let change, let document, let total):
      fields.member("change", change.rawValue)
      document.write(to: &fields)
      fields.member("total", total)
    case .current, .overflow: break
    }
  }

  private var name: String {
    switch body {
    case .holder: "holder"
    case .document: "document"
    case .current: "current"
    case .overflow: "overflow"
    }
  }

  /// Appends the whole line. Not generic, so the compiler specialises it within this module: an index writes one for each
  /// change and watcher.
  package func writeLine(to output: inout JSONWriter) {
    output.beginObject()
    write(to: &output)
    output.endObject()
    output.endLine()
  }
}
