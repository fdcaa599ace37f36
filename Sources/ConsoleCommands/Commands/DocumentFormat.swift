// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import WireProtocol

/// Documents as table rows and as JSON rows.
enum DocumentFormat {
  /// Hex digits of a root or id shown in tables: enough to tell them apart.
  static let rootPrefix = 12

  // MARK: JSON

  static func members(of document: Document) -> JSONMembers {
    [
      "key": .string(document.key.text), "title": .string(document.title.text),
      "content": .string(document.content.root.hex), "size": .integer(document.content.size),
      "modified": .string(document.modified.text),
    ]
  }

  /// One row per holder, or one row without a holder if none is known.
  static func members(of document: Document, total: Int, holders: [Holder]) -> [JSONMembers] {
    var row = members(of: document)
    row["total"] = .integer(Int64(total))
    guard !holders.isEmpty else { return [row] }
    return holders.map { holder in
      var row = row
      row["peer"] = .string(holder.name.text)
      row["id"] = .string(holder.peer.hex)
      row["host"] = .string(holder.host)
      row["port"] = .integer(Int64(holder.port))
      row["complete"] = .bool(holder.complete)
      row["proven"] = .bool(holder.proven)
      return row
    }
  }

  static func members(of listing: DocumentListing, file: OwnFile?) -> [JSONMembers] {
    members(of: listing.document, total: listing.total, holders: listing.holders).map { row in
      var row = row
      if let file { row["path"] = .string(file.path) }
      if let state = file?.state { row["state"] = .string(state.rawValue) }
      return row
    }
  }

  // MARK: Tables

  static func listTable(mine: Bool, width: Int?, style: TextStyle) -> Table {
    let last =
      mine
      ? [
        Table.Column("STATE", rank: 8), Table.Column("TITLE", rank: 1, isFlexible: true),
        Table.Column("PATH", rank: 2, isFlexible: true),
      ] : [Table.Column("HOLDERS", .right, rank: 6), Table.Column("TITLE", rank: 2, isFlexible: true)]
    return Table([Table.Column("KEY"), Table.Column("SIZE", .right, rank: 7)] + last, width: width, style: style)
  }

  static func cells(of listing: DocumentListing, file: OwnFile?, mine: Bool) -> [String] {
    let document = listing.document
    let first = [document.key.text, Quantity.size(document.content.size)]
    return mine
      ? first + [file?.state?.rawValue ?? "", document.title.text, file?.path ?? ""]
      : first + [String(listing.total), document.title.text]
  }

  /// One row per holder of each content.
  static func table(of reply: LookupReply, width: Int?, style: TextStyle) -> String {
    var table = Table(
      [
        Table.Column("CONTENT"), Table.Column("SIZE", .right, rank: 6), Table.Column("PEER", rank: 9),
        Table.Column("ID", rank: 3), Table.Column("ADDRESS", rank: 7), Table.Column("HAS", rank: 8),
        Table.Column("TITLE", rank: 1, isFlexible: true),
      ], width: width, style: style)
    var text = ""
    for content in reply.contents {
      for holder in content.holders {
        text += table.add([
          String(content.content.root.hex.prefix(rootPrefix)), Quantity.size(content.content.size), holder.name.text,
          String(holder.peer.hex.prefix(rootPrefix)), Endpoint(host: holder.host, port: holder.port).description,
          holder.complete ? "all" : "part", content.title.text,
        ])
      }
    }
    return text + table.finish()
  }
}
