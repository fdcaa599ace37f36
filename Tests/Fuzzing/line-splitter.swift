// SPDX-License-Identifier: Apache-2.0

// Modules: LineJSON

import LineJSON

/// The first byte sets the limit, the second the size of the pieces. However the stream is cut, the lines must be those
/// between the newlines, up to the first one that is too long.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLineSplitter(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard input.count >= 2 else { return 0 }
  let limit = Int(input[0]) % 32
  let size = Int(input[1]) % 16 + 1
  let stream = Array(input[2...])
  guard split(stream, limit: limit, size: size) == expected(stream, limit: limit) else {
    fatalError("the lines differ from the stream")
  }
  return 0
}

/// The lines, with an empty list in place of a line that is too long.
private func split(_ stream: [UInt8], limit: Int, size: Int) -> [[[UInt8]]] {
  var splitter = LineSplitter(maximumLength: limit)
  var lines: [[[UInt8]]] = []
  for start in stride(from: 0, to: stream.count, by: size) {
    splitter.append(Array(stream[start..<min(stream.count, start + size)]))
    do {
      while let line = try splitter.next() { lines.append([line]) }
    } catch {
      return lines + [[]]
    }
    guard splitter.pendingCount <= limit else { fatalError("more than a line is buffered") }
  }
  return lines
}

private func expected(_ stream: [UInt8], limit: Int) -> [[[UInt8]]] {
  let pieces = stream.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
  var lines: [[[UInt8]]] = []
  for (index, piece) in pieces.enumerated() {
    if piece.count > limit { return lines + [[]] }
    if index < pieces.count - 1 { lines.append([piece]) }
  }
  return lines
}
