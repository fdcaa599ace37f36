// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import LineJSON

/// `list`: what the network shares, or with `mine` what this peer does.
package struct ListDocuments: ControlMessage {
  package var collection: String?
  /// All must match, each as a prefix of a word of title or name.
  package var words: String?
  /// At most so many rows; `nil` for all.
  package var limit: Int?
  package var mine: Bool

  package init(collection: String? = nil, words: String? = nil, limit: Int? = nil, mine: Bool = false) {
    self.collection = collection
    self.words = words
    self.limit = limit
    self.mine = mine
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    collection = try fields.optionalString("collection")
    if let collection, !DocumentKey.isCollection(collection) {
      throw .badRequest("collection is 1 to \(DocumentKey.maximumCollectionLength) of a-z, 0-9 and -")
    }
    words = try fields.optionalString("words")
    limit = try fields.optionalInteger("limit", in: 1...Int(Content.maximumSize))
    mine = try fields.optionalFlag("mine") ?? false
  }

  package var members: JSONMembers {
    var members: JSONMembers = [:]
    if let collection { members["collection"] = .string(collection) }
    if let words { members["words"] = .string(words) }
    if let limit { members["limit"] = .integer(Int64(limit)) }
    if mine { members["mine"] = .bool(true) }
    return members
  }
}
