// SPDX-License-Identifier: Apache-2.0

// Modules: LineJSON
// Shared: Tests/LineJSONTests/Oracle.swift
// Seeds: Tests/LineJSONTests/FailCases

import LineJSON

private nonisolated(unsafe) var reader = JSONReader()

/// The strict reader and jansson must agree on every input, an accepted value must survive encoding, and both must read the
/// same string from the output of the writer.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLineReader(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let line = Array(UnsafeBufferPointer(start: start, count: count))
  let strict = Oracle.strict(line, with: &reader)
  guard strict == Oracle.jansson(line) else { fatalError("the readers disagree") }
  if let value = try? Jansson.decode(line) {
    guard let encoded = try? Jansson.encodeLine(value), Oracle.strict(encoded, with: &reader) == strict else {
      fatalError("the value changed in encoding")
    }
  }
  var writer = JSONWriter()
  writer.beginObject()
  writer.key("text")
  writer.string(utf8: line)
  writer.endObject()
  guard let written = Oracle.strict(writer.bytes, with: &reader), written == Oracle.jansson(writer.bytes) else {
    fatalError("the output of the writer cannot be read")
  }
  return 0
}
