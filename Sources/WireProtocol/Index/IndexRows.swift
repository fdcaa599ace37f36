// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON

extension Holder {
  /// What all answers of an index say of it but whether it is complete: the beginning of its row, up to the value of
  /// `complete`. Made once, copied into each answer.
  package var label: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writeAddress(to: &writer)
    if proven { writer.member("proven", true) }
    writer.key("complete")
    return writer.bytes
  }
}

/// The answers to `lookup` and `list` in the pieces in which an index finds them. They say what `LookupReply` and `ListRow`
/// say, which read them in tests.
extension RowBuffer {
  // MARK: A reply to lookup

  package func beginLookup(_ lookup: UsualLookup) {
    reserve(64 + lookup.beginning.count + lookup.key.count)
    put(bytes: lookup.beginning)
    put(#","status":200,"key":""#)
    put(bytes: lookup.key)
    put(#"","contents":["#)
  }

  package func beginLookup(id: Int64, key: UnsafeRawBufferPointer) {
    reserve(64 + Self.number + JSONWriter.quotedRoom(key.count))
    put(#"{"id":"#)
    put(id)
    put(#","status":200,"key":"#)
    put(quoted: key)
    put(#","contents":["#)
  }

  /// Holders come next, then `endHolders`.
  /// - Parameter edition: the same number only for the same values, but for `total`.
  package func beginContent(
    _ content: Content, title: UnsafeRawBufferPointer, modified: Timestamp, executable: Bool, total: Int,
    edition: UInt64? = nil, isFirst: Bool
  ) {
    putReady(edition, isFirst: isFirst) {
      reserve(256 + 2 * Self.number + JSONWriter.quotedRoom(title.count))
      put(#"{"content":""#)
      put(content.root)
      put(#"","title":"#)
      put(quoted: title)
      put(content.size, modified, executable)
    }
    beginHolders(total)
  }

  private func put(_ size: Int64, _ modified: Timestamp, _ executable: Bool) {
    put(#","size":"#)
    put(size)
    put(#","modified":""#)
    put(modified)
    put(executable ? #"","executable":true,"total":"# : #"","total":"#)
  }

  @inline(__always)
  private func beginHolders(_ total: Int) {
    reserve(16 + Self.number)
    put(Int64(total))
    put(#","holders":["#)
  }

  /// - Parameter label: of the holder.
  package func holder(_ label: UnsafeRawBufferPointer, complete: Bool, isFirst: Bool) {
    reserve(8 + label.count)
    if !isFirst { put(",") }
    put(bytes: label)
    put(complete ? "true}" : "false}")
  }

  /// Ends the holders and the row that they belong to.
  package func endHolders() {
    reserve(2)
    put("]}")
  }

  package func endLookup(more: Int) {
    reserve(16 + Self.number)
    put(#"],"more":"#)
    put(Int64(more))
    put("}\n")
  }

  // MARK: A reply to list

  package func beginList(id: Int64) {
    reserve(64 + Self.number)
    put(#"{"id":"#)
    put(id)
    put(#","status":200,"documents":["#)
  }

  /// Holders come next, then `endHolders`.
  /// - Parameter edition: the same number only for the same values, but for `total`.
  package func beginDocument(
    _ content: Content, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer, modified: Timestamp,
    executable: Bool, total: Int, edition: UInt64? = nil, isFirst: Bool
  ) {
    putReady(edition, isFirst: isFirst) {
      reserve(256 + 2 * Self.number + JSONWriter.quotedRoom(key.count) + JSONWriter.quotedRoom(title.count))
      put(#"{"key":"#)
      put(quoted: key)
      put(#","title":"#)
      put(quoted: title)
      put(#","content":""#)
      put(content.root)
      put("\"")
      put(content.size, modified, executable)
    }
    beginHolders(total)
  }

  package func level(_ level: LevelListing, isFirst: Bool) {
    reserve(64 + Self.number + JSONWriter.quotedRoom(level.prefix.utf8.count))
    put(isFirst ? #"{"prefix":"# : #",{"prefix":"#)
    put(quoted: level.prefix)
    put(#","documents":"#)
    put(Int64(level.documents))
    put("}")
  }

  /// - Parameter next: `nil` at the end of the list.
  package func endList(next: String?) {
    reserve(32 + JSONWriter.quotedRoom(next?.utf8.count ?? 0))
    put("]")
    if let next {
      put(#","next":"#)
      put(quoted: next)
    }
    put("}\n")
  }
}
