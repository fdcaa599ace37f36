// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// A path and what is wrong with it.
package struct PathProblem: ControlMessage {
  package var path: String
  package var message: String

  package init(path: String, message: String) {
    self.path = path
    self.message = message
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    path = try fields.string("path")
    message = try fields.string("message")
  }

  package var members: JSONMembers { ["path": .string(path), "message": .string(message)] }
}
