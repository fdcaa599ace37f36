// SPDX-License-Identifier: Apache-2.0

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
