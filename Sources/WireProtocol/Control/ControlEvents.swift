// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What a daemon sends between a request and its reply: rows of a result, and progress if it was asked for.
package enum ControlEvent: Equatable, Sendable {
  case hashing(HashingProgress)
  case added(Document, path: String)
  /// A file that could not be shared although others of the same `add` could.
  case failed(PathProblem)
  /// - Parameter file: for a document of the own catalogue.
  case document(DocumentListing, file: OwnFile? = nil)
  /// Documents of a list by level, merged into one row.
  case level(LevelListing)
  /// Of a `get` that has to fetch, before anything is fetched.
  case job(DownloadJob)
  case progress(DownloadProgress)
  /// What became of one document of a `get-all`.
  case result(DocumentResult)
  /// That many raw bytes of a document follow the line.
  case bytes(count: Int)
  case peer(PeerListing)
  case transfer(RunningTransfer)
  /// Of a `watch`: what has changed about a document, and the number of its holders.
  case changed(DocumentChange, Document, total: Int)
  /// The `watch` has begun, or goes on after an interruption: from now on each change is reported.
  case current
  /// More has changed than could be reported; the `watch` goes on soon.
  case overflow
  /// The connection to the index was lost; the `watch` goes on when there is another.
  case disconnected
  /// Of a kind that this version does not know: ignored.
  case unknown(String)

  /// `nil` for a reply.
  package init?(_ json: JSONValue) throws(WireFailure) {
    guard let fields = json.fields else { throw .badRequest("a message is a JSON object") }
    guard let kind = try fields.optionalString("event") else { return nil }
    switch kind {
    case "hashing": self = .hashing(try HashingProgress(fields))
    case "added": self = .added(try Document(fields), path: try fields.string("path"))
    case "failed": self = .failed(try PathProblem(fields))
    case "document" where fields.value("change") != nil:
      self = .changed(try fields.word("change"), try Document(fields), total: try fields.count("total"))
    case "document":
      let listing = try DocumentListing(fields)
      self = .document(listing, file: fields.value("path") == nil ? nil : try OwnFile(fields))
    case "level": self = .level(try LevelListing(fields))
    case "bytes": self = .bytes(count: try fields.integer("length", in: 1...ControlPlane.lineLimit))
    case "job": self = .job(try DownloadJob(fields))
    case "progress": self = .progress(try DownloadProgress(fields))
    case "result": self = .result(try DocumentResult(fields))
    case "peer": self = .peer(try PeerListing(fields))
    case "transfer": self = .transfer(try RunningTransfer(fields))
    case "current": self = .current
    case "overflow": self = .overflow
    case "disconnected": self = .disconnected
    default: self = .unknown(kind)
    }
  }

  /// The whole line.
  package var json: JSONValue {
    .object(
      .written { fields in
        fields.member("event", kind)
        write(to: &fields)
      })
  }

  private var kind: String {
    switch self {
    case .hashing: "hashing"
    case .added: "added"
    case .failed: "failed"
    case .result: "result"
    case .document, .changed: "document"
    case .level: "level"
    case .job: "job"
    case .progress: "progress"
    case .bytes: "bytes"
    case .peer: "peer"
    case .transfer: "transfer"
    case .current: "current"
    case .overflow: "overflow"
    case .disconnected: "disconnected"
    case .unknown(let kind): kind
    }
  }

  private func write(to fields: inout JSONMembers) {
    switch self {
    case .hashing(let progress): progress.write(to: &fields)
    case .added(let document, let path):
      document.write(to: &fields)
      fields.member("path", path)
    case .failed(let problem): problem.write(to: &fields)
    case .document(let listing, let file):
      listing.write(to: &fields)
      file?.write(to: &fields)
    case .level(let level): level.write(to: &fields)
    case .job(let job): job.write(to: &fields)
    case .progress(let progress): progress.write(to: &fields)
    case .result(let result): result.write(to: &fields)
    case .bytes(let count): fields.member("length", count)
    case .peer(let peer): peer.write(to: &fields)
    case .transfer(let transfer): transfer.write(to: &fields)
    case .changed(let change, let document, let total):
      fields.member("change", change.rawValue)
      document.write(to: &fields)
      fields.member("total", total)
    case .current, .overflow, .disconnected, .unknown: break
    }
  }
}

/// The progress of an `add`.
package struct HashingProgress: WireMessage {
  package var path: String
  /// Bytes of this file that are hashed.
  package var done: Int64
  /// The size of this file.
  package var total: Int64
  /// The number of this file, from 1.
  package var file: Int
  package var files: Int

  package init(path: String, done: Int64, total: Int64, file: Int, files: Int) {
    self.path = path
    self.done = done
    self.total = total
    self.file = file
    self.files = files
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    path = try fields.string("path")
    done = try fields.size("done")
    total = try fields.size("total")
    file = try fields.count("file")
    files = try fields.count("files")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("path", path)
    fields.member("done", done)
    fields.member("total", total)
    fields.member("file", file)
    fields.member("files", files)
  }
}

/// The file of a document in the own catalogue.
package struct OwnFile: WireMessage {
  package enum State: String, Sendable {
    case shared
    /// Shared in other networks only: this one does not hear of it.
    case withheld
    /// The index does not take it from this peer: its role, a claim, or the end of its membership forbids it.
    case refused
    /// The file changed or is gone: the document is not offered.
    case withdrawn
  }

  /// Absolute.
  package var path: String
  /// `nil` for a state of a later version.
  package var state: State?

  package init(path: String, state: State?) {
    self.path = path
    self.state = state
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    path = try fields.string("path")
    state = try fields.optionalString("state").flatMap(State.init(rawValue:))
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("path", path)
    if let state { fields.member("state", state.rawValue) }
  }
}
