package import DocumentModel
package import LineJSON

/// `add`: share files, or with `recursive` all files below directories.
package struct AddFiles: ControlMessage {
  /// Absolute paths, at least one.
  package var paths: [String]
  package var recursive: Bool
  /// The key of a single file, or `collection/prefix/` for several; `nil` for the keys that follow from the names.
  package var key: String?
  package var title: Title?
  /// Whether `hashing` events are wanted.
  package var progress: Bool

  package init(
    paths: [String], recursive: Bool = false, key: String? = nil, title: Title? = nil, progress: Bool = false
  ) {
    self.paths = paths
    self.recursive = recursive
    self.key = key
    self.title = title
    self.progress = progress
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    paths = []
    for element in try fields.array("paths") {
      guard case .string(let path) = element, path.hasPrefix("/") else {
        throw .badRequest("paths are absolute paths")
      }
      paths.append(path)
    }
    guard !paths.isEmpty else { throw .badRequest("paths names at least one file") }
    recursive = try fields.optionalFlag("recursive") ?? false
    key = try fields.optionalString("key")
    title = try fields.value("title") == nil ? nil : fields.title()
    progress = try fields.optionalFlag("progress") ?? false
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["paths": .array(paths.map { .string($0) }), "recursive": .bool(recursive)]
    if let key { members["key"] = .string(key) }
    if let title { members["title"] = .string(title.text) }
    if progress { members["progress"] = .bool(true) }
    return members
  }
}

/// `list`: what the network shares, or with `mine` what this peer does.
package struct ListDocuments: ControlMessage {
  package var collection: String?
  /// All must match, each as a prefix of a word of title or name.
  package var words: String?
  /// At most so many rows; `nil` for all.
  package var limit: Int?
  package var mine: Bool

  package init(collection: String? = nil, words: String? = nil, limit: Int? = nil, mine: Bool = false) {
    self.collection = collection
    self.words = words
    self.limit = limit
    self.mine = mine
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    collection = try fields.optionalString("collection")
    if let collection, !DocumentKey.isCollection(collection) {
      throw .badRequest("collection is 1 to \(DocumentKey.maximumCollectionLength) of a-z, 0-9 and -")
    }
    words = try fields.optionalString("words")
    limit = try fields.optionalInteger("limit", in: 1...Int(Content.maximumSize))
    mine = try fields.optionalFlag("mine") ?? false
  }

  package var members: JSONMembers {
    var members: JSONMembers = [:]
    if let collection { members["collection"] = .string(collection) }
    if let words { members["words"] = .string(words) }
    if let limit { members["limit"] = .integer(Int64(limit)) }
    if mine { members["mine"] = .bool(true) }
    return members
  }
}

/// `get`: fetch a document into a file.
package struct GetDocument: ControlMessage {
  /// Absolute paths.
  package enum Target: Equatable, Sendable {
    /// This very file; where it is a directory, a file in it under the suggested name.
    case path(String)
    /// A file in this directory under the suggested name.
    case directory(String)
  }

  package var key: DocumentKey
  package var target: Target
  /// The name of a holder or the beginning of its id.
  package var from: String?
  /// The beginning of the root of the content that is wanted.
  package var content: String?
  /// Whether a different file of that name is replaced.
  package var force: Bool
  /// Whether the document is shared once it is here.
  package var share: Bool
  /// Whether `progress` events are wanted.
  package var progress: Bool

  package init(
    key: DocumentKey, target: Target, from: String? = nil, content: String? = nil, force: Bool = false,
    share: Bool = true, progress: Bool = false
  ) {
    self.key = key
    self.target = target
    self.from = from
    self.content = content
    self.force = force
    self.share = share
    self.progress = progress
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    switch (try fields.optionalString("path"), try fields.optionalString("directory")) {
    case (let path?, nil) where path.hasPrefix("/"): target = .path(path)
    case (nil, let directory?) where directory.hasPrefix("/"): target = .directory(directory)
    default: throw .badRequest("one of path and directory is an absolute path")
    }
    from = try fields.optionalString("from")
    content = try fields.optionalString("content")
    force = try fields.optionalFlag("force") ?? false
    share = try fields.optionalFlag("share") ?? true
    progress = try fields.optionalFlag("progress") ?? false
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["key": .string(key.text)]
    switch target {
    case .path(let path): members["path"] = .string(path)
    case .directory(let directory): members["directory"] = .string(directory)
    }
    if let from { members["from"] = .string(from) }
    if let content { members["content"] = .string(content) }
    members["force"] = .bool(force)
    members["share"] = .bool(share)
    if progress { members["progress"] = .bool(true) }
    return members
  }
}

/// `remove`: stop sharing; no file is deleted.
package struct RemoveDocument: ControlMessage {
  package var key: DocumentKey
  /// The beginning of the root of the content that is meant; `nil` for all under the key.
  package var content: String?

  package init(key: DocumentKey, content: String? = nil) {
    self.key = key
    self.content = content
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    content = try fields.optionalString("content")
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["key": .string(key.text)]
    if let content { members["content"] = .string(content) }
    return members
  }
}
