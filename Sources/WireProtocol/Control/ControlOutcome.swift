// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// The end of a request: what a daemon sends beside events.
package enum ControlOutcome: Equatable, Sendable {
  /// Status 200, with all its members.
  case success(id: Int64, JSONValue)
  case failure(id: Int64?, ControlFailure)

  /// `nil` where the line is an event.
  package init?(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    guard fields.value("event") == nil else { return nil }
    let id = try fields.value("id") == nil ? nil : fields.requestID()
    guard try fields.integer("status", in: 100...599) == 200 else {
      self = .failure(id: id, try ControlFailure(json))
      return
    }
    guard let id else { throw .badRequest("id is missing") }
    self = .success(id: id, json)
  }
}
