// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// Where a child can be reached: `HOST:PORT`, for the control socket its path.
package struct ChannelAddresses: Sendable, Hashable {
  package var index: String?
  package var uploads: String?
  package var control: String?

  package init(index: String? = nil, uploads: String? = nil, control: String? = nil) {
    self.index = index
    self.uploads = uploads
    self.control = control
  }

  package var json: JSONValue {
    var members: JSONMembers = [:]
    for (name, address) in [("index", index), ("uploads", uploads), ("control", control)] {
      if let address { members[name] = .string(address) }
    }
    return .object(members)
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    index = try fields.optionalString("index")
    uploads = try fields.optionalString("uploads")
    control = try fields.optionalString("control")
  }
}
