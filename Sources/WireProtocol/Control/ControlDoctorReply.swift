// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What a daemon finds out about itself from outside: how its index answers, and whether others can connect to it.
package struct ControlDoctorReply: ControlReply {
  /// How the index answered just now.
  package struct Index: ControlMessage {
    /// Program and version: `p2p-index/0.1.0`. `nil` where it did not answer.
    package var server: String?
    /// How long the answer took.
    package var seconds: Double?
    /// How many seconds the clock of the index is ahead of this machine's, give or take one; `nil` where it does not
    /// tell the time.
    package var skew: Int64?
    /// Why there was no answer.
    package var error: String?

    package init(server: String? = nil, seconds: Double? = nil, skew: Int64? = nil, error: String? = nil) {
      self.server = server
      self.seconds = seconds
      self.skew = skew
      self.error = error
    }

    package init(_ json: JSONValue) throws(WireFailure) {
      let fields = try MessageFields(json)
      server = try fields.optionalString("server")
      seconds = try fields.value("seconds") == nil ? nil : fields.real("seconds")
      skew = try fields.optionalInteger("skew", in: Int64.min ... .max)
      error = try fields.optionalString("error")
    }

    package var members: JSONMembers {
      var members: JSONMembers = [:]
      if let server { members["server"] = .string(server) }
      if let seconds { members["seconds"] = .real(seconds) }
      if let skew { members["skew"] = .integer(skew) }
      if let error { members["error"] = .string(error) }
      return members
    }
  }

  /// A connection to the own upload port, at the address that the index tells others.
  package struct Uploads: ControlMessage {
    package var address: Endpoint
    /// Whether this very peer answered there.
    package var reachable: Bool
    /// Why it did not.
    package var error: String?

    package init(address: Endpoint, reachable: Bool, error: String? = nil) {
      self.address = address
      self.reachable = reachable
      self.error = error
    }

    package init(_ json: JSONValue) throws(WireFailure) {
      let fields = try MessageFields(json)
      address = try fields.endpoint("address")
      reachable = try fields.flag("reachable")
      error = try fields.optionalString("error")
    }

    package var members: JSONMembers {
      var members: JSONMembers = ["address": .string(address.description), "reachable": .bool(reachable)]
      if let error { members["error"] = .string(error) }
      return members
    }
  }

  package var index: Index
  /// `nil` where there is no index to tell an address.
  package var uploads: Uploads?

  package init(index: Index, uploads: Uploads?) {
    self.index = index
    self.uploads = uploads
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    index = try Index(fields.object("index"))
    uploads = try fields.value("uploads") == nil ? nil : Uploads(fields.object("uploads"))
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["index": index.json]
    if let uploads { members["uploads"] = uploads.json }
    return members
  }
}
