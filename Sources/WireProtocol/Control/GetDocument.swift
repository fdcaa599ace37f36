// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

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
