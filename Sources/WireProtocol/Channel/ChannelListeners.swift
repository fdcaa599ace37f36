// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// The numbers of the listening sockets that a child inherits.
package struct ChannelListeners: Sendable, Hashable {
  package var index: Int32?
  package var uploads: Int32?
  package var control: Int32?

  package init(index: Int32? = nil, uploads: Int32? = nil, control: Int32? = nil) {
    self.index = index
    self.uploads = uploads
    self.control = control
  }

  /// Those that there are, with their names.
  package var all: [(name: String, descriptor: Int32)] {
    [("index", index), ("uploads", uploads), ("control", control)].compactMap { name, descriptor in
      descriptor.map { (name, $0) }
    }
  }

  package var json: JSONValue {
    .object(JSONMembers(all.map { ($0.name, .integer(Int64($0.descriptor))) }))
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    index = try fields.optionalInteger("index", in: 3...65_535)
    uploads = try fields.optionalInteger("uploads", in: 3...65_535)
    control = try fields.optionalInteger("control", in: 3...65_535)
  }
}
