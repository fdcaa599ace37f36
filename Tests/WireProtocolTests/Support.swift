// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import WireProtocol

/// Reads one line with the strict reader.
func read<Result>(_ line: String, _ body: (JSONObject) throws -> Result) throws -> Result {
  var reader = JSONReader()
  return try reader.read(Array(line.utf8), body)
}

/// What a writer has written, without the newline.
func line(_ write: (inout JSONWriter) -> Void) -> String {
  var writer = JSONWriter()
  write(&writer)
  return String(decoding: writer.bytes.dropLast(), as: UTF8.self)
}

enum Sample {
  static let root = String(repeating: "0a", count: 32)
  static let peer = String(repeating: "b1", count: 32)
}
