// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import Testing

@Suite struct LineFramesTests {
  private let stream = "{\"a\":1}\n\n{\"b\":2}\nRAWBYTES{\"c\":3}\n"

  /// Cuts the stream as it comes in parts of `size`; four raw bytes follow the third line, then four more.
  private func cut(_ size: Int) -> [String] {
    var frames = LineFrames(lineLimit: 64)
    var found = [String]()
    var lines = 0
    let bytes = Array(stream.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      frames.append(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
      while let frame = frames.next() {
        switch frame {
        case .line(let line):
          lines += 1
          found.append(String(buffer: line))
          if lines == 3 { frames.expectBody(8) }
        case .body(let body): found.append("+" + String(buffer: body))
        case .tooLong: found.append("too long")
        }
      }
    }
    return found
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func cutsLinesAndBodiesHoweverTheyArrive(_ size: Int) {
    let found = cut(size)
    let body = found.filter { $0.hasPrefix("+") }.map { $0.dropFirst() }.joined()
    #expect(found.filter { !$0.hasPrefix("+") } == ["{\"a\":1}", "", "{\"b\":2}", "{\"c\":3}"])
    #expect(body == "RAWBYTES")
  }

  @Test func takesALineOfExactlyTheLimit() {
    var frames = LineFrames(lineLimit: 4)
    frames.append(ByteBuffer(string: "1234\n12345\n"))
    #expect(frames.next() == .line(ByteBuffer(string: "1234")))
    #expect(frames.next() == .tooLong)
    #expect(frames.next() == .tooLong)
  }

  @Test func noticesALineThatIsTooLongBeforeItEnds() {
    var frames = LineFrames(lineLimit: 4)
    frames.append(ByteBuffer(string: "1234"))
    #expect(frames.next() == nil)
    frames.append(ByteBuffer(string: "5"))
    #expect(frames.next() == .tooLong)
  }

  @Test func holdsNothingBetweenLines() {
    var frames = LineFrames(lineLimit: 100)
    frames.append(ByteBuffer(string: "x\n"))
    _ = frames.next()
    #expect(frames.next() == nil)
    #expect(frames.bufferedBytes == 0)
  }
}
