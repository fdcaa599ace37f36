// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What a daemon finds out about itself: how its index answers, whether others can connect to it, and the condition of its
/// catalogue and files.
package struct ControlDoctorReply: WireReply {
  /// How the index answered.
  package struct Index: WireMessage {
    /// Program and version: `p2p-index/0.1.0`. `nil` if it did not answer.
    package var server: String?
    /// The duration of the answer.
    package var seconds: Double?
    /// By how many seconds the clock of the index is ahead of this machine's, plus or minus one; `nil` if the index
    /// does not report its time.
    package var skew: Int64?
    /// Why there was no answer.
    package var error: String?
    /// Whether the index refuses this peer: waiting does not help.
    package var refused: Bool
    /// The limit of the index that was reached, if that is why.
    package var limit: WireFailure.Limit?
    /// The id of an index that is refused because another one is known at its address.
    package var found: PeerID?
    /// Documents of this peer that the index does not permit.
    package var refusedDocuments: Int

    package init(
      server: String? = nil, seconds: Double? = nil, skew: Int64? = nil, error: String? = nil, refused: Bool = false,
      limit: WireFailure.Limit? = nil, found: PeerID? = nil, refusedDocuments: Int = 0
    ) {
      (self.limit, self.found, self.refusedDocuments) = (limit, found, refusedDocuments)
      self.server = server
      self.seconds = seconds
      self.skew = skew
      self.error = error
      self.refused = refused
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      server = try fields.optionalString("server")
      seconds = try fields.optionalMeasure("seconds")
      skew = try fields.optionalInteger("skew", in: Int64.min ... .max)
      error = try fields.optionalString("error")
      refused = try fields.optionalBool("refused") ?? false
      limit = try WireFailure.Limit(fields)
      found = try fields.optionalPeerID("found")
      refusedDocuments = try fields.optionalCount("refused_documents") ?? 0
    }

    package func write(to fields: inout some FieldWriter) {
      if let server { fields.member("server", server) }
      if let seconds { fields.member("seconds", seconds) }
      if let skew { fields.member("skew", skew) }
      if let error { fields.member("error", error) }
      if refused { fields.member("refused", true) }
      limit?.write(to: &fields)
      if let found { fields.member("found", found) }
      if refusedDocuments > 0 { fields.member("refused_documents", refusedDocuments) }
    }
  }

  /// A connection to the own upload port, at the address that the index reports to others.
  package struct Uploads: WireMessage {
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

    package init(_ fields: some FieldReader) throws(WireFailure) {
      address = try fields.endpoint("address")
      reachable = try fields.bool("reachable")
      error = try fields.optionalString("error")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("address", address.description)
      fields.member("reachable", reachable)
      if let error { fields.member("error", error) }
    }
  }

  /// The catalogue on disk.
  package struct Catalogue: WireMessage {
    /// Why it can no longer be written; `nil` if it can.
    package var error: String?
    /// Damaged ones that were put aside.
    package var aside: [String]
    /// Whether it was missing or empty at this start, although this peer is not new.
    package var cameBackEmpty: Bool

    package init(error: String? = nil, aside: [String] = [], cameBackEmpty: Bool = false) {
      self.error = error
      self.aside = aside
      self.cameBackEmpty = cameBackEmpty
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      error = try fields.optionalString("error")
      aside = try fields.optionalStrings("aside")
      cameBackEmpty = try fields.optionalBool("came_back_empty") ?? false
    }

    package func write(to fields: inout some FieldWriter) {
      if let error { fields.member("error", error) }
      if !aside.isEmpty { fields.strings("aside", aside) }
      fields.member("came_back_empty", cameBackEmpty)
    }
  }

  /// The shared files, opened as for an upload.
  package struct Files: WireMessage {
    package var checked: Int
    /// Missing or unreadable.
    package var unusable: Int
    /// Changed since they were hashed.
    package var changed: Int
    /// Some of the unusable and changed ones.
    package var examples: [PathProblem]
    /// False if the time was too short for all of them.
    package var complete: Bool

    package init(checked: Int, unusable: Int = 0, changed: Int = 0, examples: [PathProblem] = [], complete: Bool = true)
    {
      self.checked = checked
      self.unusable = unusable
      self.changed = changed
      self.examples = examples
      self.complete = complete
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      checked = try fields.count("checked")
      unusable = try fields.count("unusable")
      changed = try fields.count("changed")
      examples = try fields.optionalElements("examples")
      complete = try fields.optionalBool("complete") ?? true
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("checked", checked)
      fields.member("unusable", unusable)
      fields.member("changed", changed)
      if !examples.isEmpty { fields.array("examples", examples) }
      fields.member("complete", complete)
    }
  }

  package var index: Index
  /// `nil` if no index reports an address.
  package var uploads: Uploads?
  /// `nil` from an earlier version.
  package var catalogue: Catalogue?
  /// `nil` from an earlier version.
  package var files: Files?
  /// The upload port of earlier runs, if another program had it at this start.
  package var portTaken: UInt16?

  package init(
    index: Index, uploads: Uploads?, catalogue: Catalogue? = nil, files: Files? = nil, portTaken: UInt16? = nil
  ) {
    self.index = index
    self.uploads = uploads
    self.catalogue = catalogue
    self.files = files
    self.portTaken = portTaken
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    index = try Index(fields.object("index"))
    uploads = try fields.optionalMessage("uploads")
    catalogue = try fields.optionalMessage("catalogue")
    files = try fields.optionalMessage("files")
    portTaken = try fields.optionalInteger("port_taken", in: 1 ... .max)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.object("index", index)
    if let uploads { fields.object("uploads", uploads) }
    if let catalogue { fields.object("catalogue", catalogue) }
    if let files { fields.object("files", files) }
    if let portTaken { fields.member("port_taken", portTaken) }
  }
}
