// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import WireProtocol

/// Writes the reply to `lookup` while the index is walked: nothing is collected in between.
struct LookupWriter: LookupVisitor {
  private let asker: Asker
  private let id: Int64
  private var output: JSONWriter
  private var contents = 0

  init(asker: Asker, id: Int64, output: JSONWriter) {
    self.asker = asker
    self.id = id
    self.output = output
  }

  mutating func visit(_ content: ContentSummary) {
    if contents == 0 {
      output.beginReply(id: id)
      output.member("key", content.key.text)
      output.key("contents")
      output.beginArray()
    } else {
      endContent()
    }
    contents += 1
    output.beginObject()
    output.member("content", content.content.root)
    output.member("title", content.title.text)
    output.member("size", content.content.size)
    output.member("modified", content.modified)
    output.member("total", content.total)
    output.key("holders")
    output.beginArray()
  }

  mutating func visit(_ holder: Holder) {
    output.write(holder, to: asker)
  }

  /// Gives the writer back, with the whole reply in it, or as it came where nothing was found (then false).
  mutating func finish(more: Int, givingBack writer: inout JSONWriter) -> Bool {
    let isFound = contents > 0
    if isFound {
      endContent()
      output.endArray()
      output.member("more", more)
      output.endReply()
    }
    swap(&writer, &output)
    return isFound
  }

  private mutating func endContent() {
    output.endArray()
    output.endObject()
  }
}

extension JSONWriter {
  mutating func write(_ holder: Holder, to asker: Asker) {
    beginObject()
    member("peer", holder.peer)
    member("name", holder.name.text)
    member("host", HolderAddresses.reported(holder.host, to: asker))
    member("port", Int(holder.port))
    member("complete", holder.complete)
    endObject()
  }
}
