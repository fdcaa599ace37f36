// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The limits of the control plane, which both sides keep.
package enum ControlPlane {
  /// The longest line, in bytes without its end.
  package static let lineLimit = 1 << 20
}

/// The operations that a daemon answers to its front ends.
package enum ControlOperation: String, CaseIterable, Sendable {
  case hello, add, lookup, list, get
  case getAll = "get-all"
  case remove, status, stats, peers, transfers, pause, resume, cancel, limit, watch, connect, join, network, doctor
}

/// A request of a front end to its daemon. Operations, cases and commands have the same names, except `get-all`, which is the
/// command `get` for a prefix or several keys.
package enum ControlRequest: WireRequest {
  case hello(protocol: Int64)
  case add(AddFiles)
  case lookup(DocumentKey)
  case list(ListDocuments)
  case get(GetDocument)
  case getAll(GetDocuments)
  case remove(RemoveDocuments)
  case status
  /// Asks the index for its statistics.
  case stats
  /// - Parameter limit: maximum rows; `nil` for all.
  case peers(limit: Int?)
  case transfers(ListTransfers)
  case pause(PauseDownloads)
  case resume(DownloadSelection)
  case cancel(DownloadSelection)
  case limit(ChangeLimits)
  /// Reports changes of documents, without a reply, until the connection is closed.
  case watch(DocumentFilter)
  /// The index to use from now on, `nil` for the one of the settings, and the id that it has to prove.
  case connect(Endpoint?, id: PeerID? = nil, sharesExisting: Bool = false)
  /// Joins a closed network.
  case join(JoinNetwork)
  /// Passes a request about the membership on to the index.
  case network(MembershipRequest)
  /// Checks the daemon from outside.
  case doctor

  package var operation: ControlOperation {
    switch self {
    case .hello: .hello
    case .add: .add
    case .lookup: .lookup
    case .list: .list
    case .get: .get
    case .getAll: .getAll
    case .remove: .remove
    case .status: .status
    case .stats: .stats
    case .peers: .peers
    case .transfers: .transfers
    case .pause: .pause
    case .resume: .resume
    case .cancel: .cancel
    case .limit: .limit
    case .watch: .watch
    case .connect: .connect
    case .join: .join
    case .network: .network
    case .doctor: .doctor
    }
  }

  /// The `id` of a line, to answer even a request that cannot be read.
  package static func id(of json: JSONValue) -> Int64? {
    try? json.fields?.requestID()
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    guard let fields = json.fields else { throw .badRequest("a message is a JSON object") }
    try self.init(fields)
  }

  /// Reads all of a line but its `id`.
  /// - Throws: `bad-request`, `unknown-operation` or `invalid-key`.
  package init(_ fields: some FieldReader) throws(WireFailure) {
    let word = try fields.string("op")
    guard let operation = ControlOperation(rawValue: word) else {
      throw WireFailure(.unknownOperation, "there is no operation \"\(word)\" on the control socket")
    }
    switch operation {
    case .hello: self = .hello(protocol: try fields.size("protocol"))
    case .add: self = .add(try AddFiles(fields))
    case .lookup: self = .lookup(try fields.typedKey())
    case .list: self = .list(try ListDocuments(fields))
    case .get: self = .get(try GetDocument(fields))
    case .getAll: self = .getAll(try GetDocuments(fields))
    case .remove: self = .remove(try RemoveDocuments(fields))
    case .status: self = .status
    case .stats: self = .stats
    case .peers: self = .peers(limit: try fields.optionalRowLimit())
    case .transfers: self = .transfers(try ListTransfers(fields))
    case .pause: self = .pause(try PauseDownloads(fields))
    case .resume: self = .resume(try DownloadSelection(fields))
    case .cancel: self = .cancel(try DownloadSelection(fields))
    case .limit: self = .limit(try ChangeLimits(fields))
    case .watch: self = .watch(try DocumentFilter(fields))
    case .connect:
      let isDefault = try fields.optionalBool("default") ?? false
      self = .connect(
        isDefault ? nil : try fields.endpoint("address"), id: try fields.optionalPeerID("index"),
        sharesExisting: try fields.optionalBool("share_existing") ?? false)
    case .join: self = .join(try JoinNetwork(fields))
    case .network: self = .network(try MembershipRequest(nested: fields.object("request")))
    case .doctor: self = .doctor
    }
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .hello(let number): fields.member("protocol", number)
    case .add(let add): add.write(to: &fields)
    case .lookup(let key): fields.member("key", key.text)
    case .list(let list): list.write(to: &fields)
    case .get(let get): get.write(to: &fields)
    case .getAll(let get): get.write(to: &fields)
    case .remove(let remove): remove.write(to: &fields)
    case .peers(let limit?): fields.member("limit", limit)
    case .connect(let address, let id, let sharesExisting):
      if let address { fields.member("address", address.description) } else { fields.member("default", true) }
      if let id, address != nil { fields.member("index", id) }
      if sharesExisting { fields.member("share_existing", true) }
    case .transfers(let list): list.write(to: &fields)
    case .pause(let pause): pause.write(to: &fields)
    case .resume(let selection), .cancel(let selection): selection.write(to: &fields)
    case .limit(let change): change.write(to: &fields)
    case .watch(let filter): filter.write(to: &fields)
    case .join(let join): join.write(to: &fields)
    case .network(let request): fields.object("request") { request.write(nestedIn: &$0) }
    case .peers(nil), .status, .stats, .doctor: break
    }
  }
}

extension FieldReader {
  /// A key as a person typed it: a wrong one is `invalid-key`, because it is not the fault of the program that sent it.
  func typedKey() throws(WireFailure) -> DocumentKey {
    let text = try string("key")
    do throws(InvalidValue) {
      return try DocumentKey(text)
    } catch {
      throw WireFailure(.invalidKey, error.reason)
    }
  }

  func optionalPriority() throws(WireFailure) -> DownloadPriority? {
    guard let word = try optionalString("priority") else { return nil }
    guard let priority = DownloadPriority(word: word) else { throw .badRequest("priority is high, normal or low") }
    return priority
  }

  fileprivate func optionalRowLimit() throws(WireFailure) -> Int? {
    try optionalInteger("limit", in: 1...Int(Content.maximumSize))
  }
}

/// `add`: shares files, with `recursive` all files below directories.
package struct AddFiles: WireMessage {
  /// Absolute paths, at least one.
  package var paths: [String]
  package var recursive: Bool
  /// The key of a single file, or `collection/prefix/` for several; `nil` to derive keys from the names.
  package var key: String?
  package var title: Title?
  /// Whether to take what symbolic links below directories lead to.
  package var follow: Bool
  /// Whether to take names below directories that begin with a dot.
  package var hidden: Bool
  /// Patterns of glob(7) for what to leave out below directories.
  package var exclude: [String]
  /// Whether to send `hashing` events.
  package var progress: Bool

  package init(
    paths: [String], recursive: Bool = false, key: String? = nil, title: Title? = nil, follow: Bool = false,
    hidden: Bool = false, exclude: [String] = [], progress: Bool = false
  ) {
    self.paths = paths
    self.recursive = recursive
    self.key = key
    self.title = title
    self.follow = follow
    self.hidden = hidden
    self.exclude = exclude
    self.progress = progress
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    paths = try fields.strings("paths")
    guard paths.allSatisfy({ $0.beginsWithSlash }) else { throw .badRequest("paths are absolute paths") }
    guard !paths.isEmpty else { throw .badRequest("paths names at least one file") }
    recursive = try fields.optionalBool("recursive") ?? false
    key = try fields.optionalString("key")
    title = try fields.value("title") == nil ? nil : fields.title()
    follow = try fields.optionalBool("follow") ?? false
    hidden = try fields.optionalBool("hidden") ?? false
    exclude = try fields.optionalStrings("exclude")
    progress = try fields.optionalBool("progress") ?? false
  }

  package func write(to fields: inout some FieldWriter) {
    fields.strings("paths", paths)
    fields.member("recursive", recursive)
    if let key { fields.member("key", key) }
    if let title { fields.member("title", title.text) }
    if follow { fields.member("follow", true) }
    if hidden { fields.member("hidden", true) }
    if !exclude.isEmpty { fields.strings("exclude", exclude) }
    if progress { fields.member("progress", true) }
  }
}

/// `list`: what the network shares, or with `mine` what this peer shares.
package struct ListDocuments: WireMessage {
  package var collection: String?
  /// The beginning of keys; it may end inside a segment.
  package var prefix: String?
  /// Whether keys that have a `/` behind the prefix are merged up to that `/`.
  package var level: Bool
  /// All must match, each as a prefix of a word of title or key.
  package var words: String?
  /// Maximum rows; `nil` for all.
  package var limit: Int?
  package var mine: Bool

  package init(
    collection: String? = nil, prefix: String? = nil, level: Bool = false, words: String? = nil, limit: Int? = nil,
    mine: Bool = false
  ) {
    self.collection = collection
    self.prefix = prefix
    self.level = level
    self.words = words
    self.limit = limit
    self.mine = mine
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    collection = try fields.optionalCollection()
    (prefix, level) = try fields.optionalLevel()
    words = try fields.optionalString("words")
    limit = try fields.optionalRowLimit()
    mine = try fields.optionalBool("mine") ?? false
  }

  package func write(to fields: inout some FieldWriter) {
    if let collection { fields.member("collection", collection) }
    if let prefix { fields.member("prefix", prefix) }
    if level { fields.member("level", true) }
    if let words { fields.member("words", words) }
    if let limit { fields.member("limit", limit) }
    if mine { fields.member("mine", true) }
  }
}

/// `get`: fetches a document into a file.
package struct GetDocument: WireMessage {
  /// Absolute paths.
  package enum Target: Equatable, Sendable {
    /// This file; if it is a directory, a file in it under the suggested name.
    case path(String)
    /// A file in this directory under the suggested name.
    case directory(String)
    /// No file: `bytes` events with the verified bytes, in order.
    case stream
  }

  /// What the first `job` event of this `get` told.
  package struct Rejoining: Equatable, Sendable {
    package var job: Int64
    package var received: Int64

    package init(job: Int64, received: Int64) {
      self.job = job
      self.received = received
    }
  }

  package var key: DocumentKey
  package var target: Target
  /// The name of a holder or a prefix of its id.
  package var from: String?
  /// A prefix of the root of the content, optionally with `:SIZE`.
  package var content: String?
  /// Whether to take the content with the latest date if the key has several.
  package var newest: Bool
  /// Whether to replace a different file of that name.
  package var force: Bool
  /// Whether to share the document once it is here.
  package var share: Bool
  /// Whether the file gets the modification time and the executable bit of the document.
  package var preserve = true
  /// The permissions that the user's new files do not get: umask(2); `nil` for those of the daemon.
  package var umask: UInt32?
  /// Its place in the queue; `nil` for the usual one, or to leave that of a download that is known.
  package var priority: DownloadPriority?
  /// Whether to reply as soon as the download is recorded, without waiting for it.
  package var detach = false
  /// Whether to wait for sources as well.
  package var wait = false
  /// The job that this `get` waited for before its connection was lost: it stays paused if it is.
  package var rejoins: Rejoining?
  /// Of a stream that rejoins: the number of bytes at the start that have arrived.
  package var offset: Int64 = 0
  /// Whether to send `progress` events.
  package var progress: Bool

  package init(
    key: DocumentKey, target: Target, from: String? = nil, content: String? = nil, newest: Bool = false,
    force: Bool = false, share: Bool = true, progress: Bool = false
  ) {
    self.key = key
    self.target = target
    self.from = from
    self.content = content
    self.newest = newest
    self.force = force
    self.share = share
    self.progress = progress
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    key = try fields.typedKey()
    let isStream = try fields.optionalBool("stream") ?? false
    switch (try fields.optionalString("path"), try fields.optionalString("directory"), isStream) {
    case (let path?, nil, false) where path.beginsWithSlash: target = .path(path)
    case (nil, let directory?, false) where directory.beginsWithSlash: target = .directory(directory)
    case (nil, nil, true): target = .stream
    default: throw .badRequest("one of path and directory is an absolute path")
    }
    from = try fields.optionalString("from")
    content = try fields.optionalString("content")
    newest = try fields.optionalBool("newest") ?? false
    force = try fields.optionalBool("force") ?? false
    share = try fields.optionalBool("share") ?? true
    preserve = try fields.optionalBool("preserve") ?? true
    umask = try fields.optionalInteger("umask", in: 0...0o777)
    detach = try fields.optionalBool("detach") ?? false
    wait = try fields.optionalBool("wait") ?? false
    priority = try fields.optionalPriority()
    guard !detach || (!wait && !isStream) else {
      throw .badRequest("detach goes neither with wait nor with stream")
    }
    if let job = try fields.optionalInteger("rejoins", in: 0...Content.maximumSize) {
      rejoins = Rejoining(job: job, received: try fields.optionalInteger("since", in: 0...Content.maximumSize) ?? 0)
    }
    offset = try fields.optionalInteger("offset", in: 0...Content.maximumSize) ?? 0
    guard offset == 0 || (isStream && rejoins != nil) else {
      throw .badRequest("offset goes only with stream and rejoins")
    }
    progress = try fields.optionalBool("progress") ?? false
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("key", key.text)
    switch target {
    case .path(let path): fields.member("path", path)
    case .directory(let directory): fields.member("directory", directory)
    case .stream: fields.member("stream", true)
    }
    if let from { fields.member("from", from) }
    if let content { fields.member("content", content) }
    if newest { fields.member("newest", true) }
    fields.member("force", force)
    fields.member("share", share)
    if !preserve { fields.member("preserve", false) }
    if let umask { fields.member("umask", umask) }
    if detach { fields.member("detach", true) }
    if wait { fields.member("wait", true) }
    if let priority { fields.member("priority", priority.word) }
    if let rejoins {
      fields.member("rejoins", rejoins.job)
      fields.member("since", rejoins.received)
    }
    if offset > 0 { fields.member("offset", offset) }
    if progress { fields.member("progress", true) }
  }
}
