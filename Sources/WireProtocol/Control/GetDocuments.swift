// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// `get-all`: fetches all documents below a prefix, or several documents, into a directory.
package struct GetDocuments: WireMessage {
  package enum Selection: Equatable, Sendable {
    /// Ends in a slash.
    case prefix(String)
    case keys([DocumentKey])
  }

  /// Keys of one request.
  package static let maxKeys = 10_000

  package var selection: Selection
  /// An absolute path; made if it is missing.
  package var directory: String
  /// The name of a holder or a prefix of its id.
  package var from: String?
  /// Whether to take the content with the latest date if a key has several.
  package var newest = false
  /// Whether to replace different files.
  package var force = false
  /// Whether to share the documents once they are here.
  package var share = true
  /// Whether files get the modification time and the executable bit of the document.
  package var preserve = true
  /// Whether to fetch documents with a name that begins with a dot.
  package var hidden = false
  /// The permissions that the user's new files do not get: umask(2); `nil` for those of the daemon.
  package var umask: UInt32?
  /// Whether to reply as soon as the download is recorded, without waiting for it: of a prefix only.
  package var detach = false
  /// Whether to wait for sources as well.
  package var wait = false
  /// The job that this request waited for before its connection was lost: it stays paused if it is.
  package var rejoins: GetDocument.Rejoining?
  /// Whether to send a `result` event for documents that are there now, not only for those that failed.
  package var results = false
  /// Whether to send `progress` events.
  package var progress = false

  package init(_ selection: Selection, directory: String) {
    self.selection = selection
    self.directory = directory
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    switch (try fields.optionalString("prefix"), try fields.optionalStrings("keys")) {
    case (let prefix?, []):
      guard prefix.endsInSlash, prefix.utf8.count > 1, DocumentKey.isPrefix(prefix) else {
        throw WireFailure(.invalidKey, "a prefix ends in /, such as data/cats/")
      }
      selection = .prefix(prefix)
    case (nil, let texts) where !texts.isEmpty:
      guard texts.count <= Self.maxKeys else {
        throw WireFailure(
          .tooLarge, "at most \(Self.maxKeys) keys at a time; a prefix stands for any number",
          limit: .init("keys", Self.maxKeys))
      }
      var keys = [DocumentKey]()
      for text in texts {
        do throws(InvalidValue) { keys.append(try DocumentKey(text)) } catch {
          throw WireFailure(.invalidKey, "\(text): \(error.reason)")
        }
      }
      selection = .keys(keys)
    default: throw .badRequest("one of prefix and keys says what to fetch")
    }
    directory = try fields.string("directory")
    guard directory.beginsWithSlash else { throw .badRequest("directory is an absolute path") }
    from = try fields.optionalString("from")
    newest = try fields.optionalBool("newest") ?? false
    force = try fields.optionalBool("force") ?? false
    share = try fields.optionalBool("share") ?? true
    preserve = try fields.optionalBool("preserve") ?? true
    hidden = try fields.optionalBool("hidden") ?? false
    umask = try fields.optionalInteger("umask", in: 0...0o777)
    detach = try fields.optionalBool("detach") ?? false
    wait = try fields.optionalBool("wait") ?? false
    guard !detach || !wait else { throw .badRequest("detach does not go with wait") }
    if detach, case .keys = selection { throw .badRequest("detach goes with a prefix; for several keys, get each") }
    if let job = try fields.optionalInteger("rejoins", in: 0...Content.maximumSize) {
      rejoins = .init(job: job, received: try fields.optionalInteger("since", in: 0...Content.maximumSize) ?? 0)
    }
    results = try fields.optionalBool("results") ?? false
    progress = try fields.optionalBool("progress") ?? false
  }

  package func write(to fields: inout some FieldWriter) {
    switch selection {
    case .prefix(let prefix): fields.member("prefix", prefix)
    case .keys(let keys): fields.strings("keys", keys.map(\.text))
    }
    fields.member("directory", directory)
    if let from { fields.member("from", from) }
    if newest { fields.member("newest", true) }
    if force { fields.member("force", true) }
    if !share { fields.member("share", false) }
    if !preserve { fields.member("preserve", false) }
    if hidden { fields.member("hidden", true) }
    if let umask { fields.member("umask", umask) }
    if detach { fields.member("detach", true) }
    if wait { fields.member("wait", true) }
    if let rejoins {
      fields.member("rejoins", rejoins.job)
      fields.member("since", rejoins.received)
    }
    if results { fields.member("results", true) }
    if progress { fields.member("progress", true) }
  }
}

/// What became of one document of a `get-all`.
package struct DocumentResult: WireMessage {
  package var key: DocumentKey
  /// `nil` if it failed.
  package var content: Content?
  /// The absolute path of the file; `nil` if it failed.
  package var path: String?
  package var received: Int64 = 0
  /// Empty if the file was there.
  package var sources: [ControlGetReply.Source] = []
  package var seconds = 0.0
  /// The code of the error, and what it says.
  package var error: String?
  package var message: String?

  package init(key: DocumentKey) {
    self.key = key
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    key = try fields.key()
    message = try fields.optionalString("message")
    error = try message == nil ? fields.optionalString("error") : fields.string("error")
    guard error == nil else { return }
    content = try fields.content()
    path = try fields.string("path")
    received = try fields.size("received")
    sources = try fields.optionalElements("sources")
    seconds = try fields.measure("seconds")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("key", key.text)
    if let error {
      fields.member("error", error)
      if let message { fields.member("message", message) }
      return
    }
    if let content { fields.members(of: content) }
    fields.member("path", path ?? "")
    fields.member("received", received)
    fields.array("sources", sources)
    fields.member("seconds", seconds)
  }
}

/// The end of a `get-all`.
package struct ControlGetAllReply: WireReply {
  package var documents: Int64 = 0
  package var fetched: Int64 = 0
  /// Those that were there.
  package var present: Int64 = 0
  package var failed: Int64 = 0
  /// Of all documents that are there now.
  package var bytes: Int64 = 0
  /// Over the network.
  package var received: Int64 = 0
  package var seconds = 0.0
  /// The number of the download of a prefix.
  package var job: Int64?
  /// Of a download that goes on.
  package var state: String?
  /// The code of the most serious failure.
  package var failure: String?

  package init() {}

  package init(_ fields: some FieldReader) throws(WireFailure) {
    documents = try fields.size("documents")
    fetched = try fields.size("fetched")
    present = try fields.size("present")
    failed = try fields.size("failed")
    bytes = try fields.size("bytes")
    received = try fields.size("received")
    seconds = try fields.measure("seconds")
    job = try fields.optionalInteger("job", in: 0...Content.maximumSize)
    state = try fields.optionalString("state")
    failure = try fields.optionalString("failure")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("documents", documents)
    fields.member("fetched", fetched)
    fields.member("present", present)
    fields.member("failed", failed)
    fields.member("bytes", bytes)
    fields.member("received", received)
    fields.member("seconds", seconds)
    if let job { fields.member("job", job) }
    if let state { fields.member("state", state) }
    if let failure { fields.member("failure", failure) }
  }
}
