// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// How far an `add` has come.
package struct HashingProgress: ControlMessage {
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

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    path = try fields.string("path")
    done = try fields.integer("done")
    total = try fields.integer("total")
    file = try fields.count("file")
    files = try fields.count("files")
  }

  package var members: JSONMembers {
    [
      "path": .string(path), "done": .integer(done), "total": .integer(total), "file": .integer(Int64(file)),
      "files": .integer(Int64(files)),
    ]
  }
}
