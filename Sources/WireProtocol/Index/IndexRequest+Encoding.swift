// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import LineJSON

extension IndexRequest {
  /// Appends the line that asks for this.
  package func write(id: Int64, to output: inout JSONWriter) {
    output.beginObject()
    output.member("id", id)
    output.member("op", operation.rawValue)
    switch self {
    case .hello(let hello): hello.writeMembers(to: &output)
    case .add(let documents):
      output.key("documents")
      output.beginArray()
      for document in documents {
        output.beginObject()
        output.member("key", document.key.text)
        output.member("title", document.title.text)
        output.members(of: document.content)
        output.member("modified", document.modified)
        output.endObject()
      }
      output.endArray()
    case .remove(let records):
      output.key("documents")
      output.beginArray()
      for record in records {
        output.beginObject()
        output.member("key", record.key.text)
        output.members(of: record.content)
        output.endObject()
      }
      output.endArray()
    case .lookup(let lookup): lookup.writeMembers(to: &output)
    case .list(let query): query.writeMembers(to: &output)
    case .peers(let query):
      if let limit = query.limit { output.member("limit", limit) }
      if let after = query.after { output.member("after", after) }
    case .stats, .ping: break
    }
    output.endObject()
    output.endLine()
  }
}

extension IndexHello {
  fileprivate func writeMembers(to output: inout JSONWriter) {
    output.member("protocol", ProtocolVersion.wire)
    output.member("peer", peer)
    output.member("name", name.text)
    if let port { output.member("port", port) }
    if let advertise { output.member("advertise", advertise) }
  }
}

extension IndexRequest.Lookup {
  fileprivate func writeMembers(to output: inout JSONWriter) {
    switch subject {
    case .key(let key): output.member("key", key.text)
    case .content(let content): output.members(of: content)
    }
    if let peer { output.member("peer", peer) }
  }
}

extension IndexRequest.ListQuery {
  fileprivate func writeMembers(to output: inout JSONWriter) {
    if let collection { output.member("collection", collection) }
    if !words.isEmpty { output.member("words", words) }
    if let limit { output.member("limit", limit) }
    if let after { output.member("after", after) }
  }
}
