// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

extension Holder: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(
      peer: try fields.peerID("peer"), name: try fields.peerName(), host: try fields.host(),
      port: try fields.port("port"), complete: try fields.bool("complete"),
      proven: try fields.optionalBool("proven") ?? false)
  }

  package func write(to fields: inout some FieldWriter) {
    writeAddress(to: &fields)
    fields.member("complete", complete)
    if proven { fields.member("proven", true) }
  }

  /// All but what it has and has proven.
  func writeAddress(to fields: inout some FieldWriter) {
    fields.member("peer", peer)
    fields.member("name", name.text)
    fields.member("host", host)
    fields.member("port", port)
  }
}

extension FieldReader {
  /// The host of a peer. Whether it is an address is found out when somebody connects to it.
  fileprivate func host() throws(WireFailure) -> String {
    let host = try string("host")
    // More than any address needs.
    guard host.utf8.count <= 64 else { throw .badRequest("host is an address") }
    return host
  }
}

extension Document: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(
      key: try fields.key(), title: try fields.title(), content: try fields.content(),
      modified: try fields.timestamp("modified"), executable: try fields.optionalBool("executable") ?? false,
      complete: try fields.optionalBool("complete") ?? true)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("key", key.text)
    fields.member("title", title.text)
    fields.members(of: content)
    fields.member("modified", modified)
    if executable { fields.member("executable", true) }
    if !complete { fields.member("complete", false) }
  }
}

extension DocumentListing: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(
      document: try Document(fields), total: try fields.count("total"), holders: try fields.elements("holders"))
  }

  package func write(to fields: inout some FieldWriter) {
    document.write(to: &fields)
    fields.member("total", total)
    fields.array("holders", holders)
  }

  private static let maxHolders = 3

  /// With at most 3 holders: fits a line of the control plane whatever the index sends.
  package var bounded: DocumentListing {
    DocumentListing(document: document, total: total, holders: Array(holders.prefix(Self.maxHolders)))
  }
}

extension LevelListing: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(prefix: try fields.keyPrefix("prefix"), documents: try fields.count("documents"))
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("prefix", prefix)
    fields.member("documents", documents)
  }
}

/// Only the row of a level has a prefix.
extension ListRow: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self = fields.value("prefix") == nil ? .document(try DocumentListing(fields)) : .level(try LevelListing(fields))
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .document(let listing): listing.write(to: &fields)
    case .level(let level): level.write(to: &fields)
    }
  }
}

extension ContentListing: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(
      content: try fields.content(), title: try fields.title(), modified: try fields.timestamp("modified"),
      executable: try fields.optionalBool("executable") ?? false, total: try fields.count("total"),
      holders: try fields.elements("holders"))
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("content", content.root)
    fields.member("title", title.text)
    fields.member("size", content.size)
    fields.member("modified", modified)
    if executable { fields.member("executable", true) }
    fields.member("total", total)
    fields.array("holders", holders)
  }

  private static let maxHolders = 50

  fileprivate var bounded: ContentListing {
    ContentListing(
      content: content, title: title, modified: modified, executable: executable, total: total,
      holders: Array(holders.prefix(Self.maxHolders)))
  }
}

extension PeerListing: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(
      peer: try fields.peerID("peer"), name: try fields.peerName(), host: try fields.host(),
      port: try fields.port("port"), documents: try fields.count("documents"))
  }

  package func write(to fields: inout some FieldWriter) {
    write(host: host, to: &fields)
  }

  fileprivate func write(host: String, to fields: inout some FieldWriter) {
    fields.member("peer", peer)
    fields.member("name", name.text)
    fields.member("host", host)
    fields.member("port", port)
    fields.member("documents", documents)
  }
}

/// A row as an index writes it, which may report a host otherwise.
extension JSONWriter {
  package mutating func object(_ row: PeerListing, host: String) {
    beginObject()
    row.write(host: host, to: &self)
    endObject()
  }
}

/// The reply to `lookup`, of an index and of a daemon.
package struct LookupReply: WireReply {
  /// The key asked for; if a content was asked for, the key under which it has been listed longest.
  package let key: DocumentKey
  /// Most-held first.
  package let contents: [ContentListing]
  /// The number of contents left out.
  package let more: Int

  package init(key: DocumentKey, contents: [ContentListing], more: Int) {
    self.key = key
    self.contents = contents
    self.more = more
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    key = try fields.key()
    contents = try fields.elements("contents")
    more = try fields.count("more")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("key", key.text)
    fields.array("contents", contents)
    fields.member("more", more)
  }

  private static let maxContents = 16

  /// At most 16 contents with 50 holders each: fits a line of the control plane whatever the index sends.
  package var bounded: LookupReply {
    let left = max(contents.count - Self.maxContents, 0)
    return LookupReply(key: key, contents: contents.prefix(Self.maxContents).map(\.bounded), more: more + left)
  }
}
