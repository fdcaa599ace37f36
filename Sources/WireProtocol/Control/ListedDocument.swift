// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A document in a list, with what the network or the own catalogue knows of it.
package struct ListedDocument: ControlMessage {
  /// How a document of the own catalogue stands.
  package enum State: String, Sendable {
    case shared
    /// Its file changed or went away: it is not offered.
    case withdrawn
  }

  package var document: Document
  package var total: Int
  /// At most 3.
  package var holders: [ReportedHolder]
  /// Of the own catalogue only: the absolute path of the file.
  package var path: String?
  /// Of the own catalogue only.
  package var state: State?

  package init(
    document: Document, total: Int, holders: [ReportedHolder], path: String? = nil, state: State? = nil
  ) {
    self.document = document
    self.total = total
    self.holders = holders
    self.path = path
    self.state = state
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    document = try fields.document()
    total = try fields.optionalCount("total") ?? 0
    holders = try fields.elements("holders")
    path = try fields.optionalString("path")
    state = try fields.optionalString("state").flatMap(State.init(rawValue:))
  }

  package var members: JSONMembers {
    var members = document.controlMembers
    members["total"] = .integer(Int64(total))
    members["holders"] = .array(holders.map(\.json))
    if let path { members["path"] = .string(path) }
    if let state { members["state"] = .string(state.rawValue) }
    return members
  }
}
