// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import TestSupport
import Testing

@Suite struct LineFramesTests {
  private let stream = "{\"a\":1}\n\n{\"b\":2}\nRAWBYTES{\"c\":3}\n"

  /// Cuts the stream as it arrives in parts of `size`; eight raw bytes follow the third line.
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
  func `lines and bodies are cut however they arrive`(_ size: Int) {
    let found = cut(size)
    let body = found.filter { $0.hasPrefix("+") }.map { $0.dropFirst() }.joined()
    #expect(found.filter { !$0.hasPrefix("+") } == ["{\"a\":1}", "", "{\"b\":2}", "{\"c\":3}"])
    #expect(body == "RAWBYTES")
  }

  @Test(arguments: [1, 2, 5, 1000])
  func `lines that are taken together are cut like others`(_ size: Int) {
    var frames = LineFrames(lineLimit: 64)
    var found = [String]()
    let bytes = Array("aa\nab\nb\nac\nc\nad\n".utf8)
    // Whole lines that begin with an a.
    let take = { (bytes: UnsafeRawBufferPointer) in
      var taken = 0
      while let end = bytes[taken...].firstIndex(of: 0x0A), bytes[taken] == UInt8(ascii: "a") {
        found.append("+" + String(decoding: bytes[taken..<end], as: UTF8.self))
        taken = end + 1
      }
      return taken
    }
    for start in stride(from: 0, to: bytes.count, by: size) {
      frames.append(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
      while frames.takeLines(take) > 0 {}
      while case .line(let line) = frames.next() {
        found.append(String(buffer: line))
        while frames.takeLines(take) > 0 {}
      }
    }
    #expect(found == ["+aa", "+ab", "b", "+ac", "c", "+ad"])
    #expect(frames.bufferedBytes == 0)
  }

  @Test func `what is no short line is not offered again with each part of it`() {
    var frames = LineFrames(lineLimit: 1 << 20)
    var offered = 0
    for _ in 0..<1_000 {
      frames.append(ByteBuffer(repeating: UInt8(ascii: "a"), count: 100))
      _ = frames.takeLines { _ in
        offered += 1
        return 0
      }
      _ = frames.next()
    }
    #expect(offered < 20)
    frames.expectBody(8)
    #expect(frames.takeLines { $0.count } == 0, "in a body there are no lines")
  }

  @Test func `memory of what was handed out is used again`() throws {
    var frames = LineFrames(lineLimit: 1 << 20)
    let line = [UInt8](repeating: UInt8(ascii: "a"), count: 99_999) + [UInt8(ascii: "\n")]
    // There is always the beginning of another line.
    frames.append(ByteBuffer(bytes: line[..<100]))
    for _ in 0..<500 {
      frames.append(ByteBuffer(bytes: line[100...] + line[..<100]))
      guard case .line(let found) = frames.next() else { return #expect(Bool(false), "no line") }
      #expect(found.readableBytes == 99_999 && frames.next() == nil)
    }
    #expect(frames.capacity < 1 << 20)
  }

  @Test func `line of exactly the limit is taken`() {
    var frames = LineFrames(lineLimit: 4)
    frames.append(ByteBuffer(string: "1234\n12345\n"))
    #expect(frames.next() == .line(ByteBuffer(string: "1234")))
    #expect(frames.next() == .tooLong)
    #expect(frames.next() == .tooLong)
  }

  @Test func `line over the limit is noticed before it ends`() {
    var frames = LineFrames(lineLimit: 4)
    frames.append(ByteBuffer(string: "1234"))
    #expect(frames.next() == nil)
    frames.append(ByteBuffer(string: "5"))
    #expect(frames.next() == .tooLong)
  }

  @Test func `body may be longer than a line`() {
    var frames = LineFrames(lineLimit: 4)
    frames.append(ByteBuffer(string: "1\n0123456789ab\n"))
    #expect(frames.next() == .line(ByteBuffer(string: "1")))
    frames.expectBody(10)
    #expect(frames.next() == .body(ByteBuffer(string: "0123456789")))
    #expect(frames.next() == .line(ByteBuffer(string: "ab")))
  }

  @Test(arguments: [0, -5]) func `empty body is none`(count: Int) {
    var frames = LineFrames(lineLimit: 4)
    frames.append(ByteBuffer(string: "1\n2\n"))
    #expect(frames.next() == .line(ByteBuffer(string: "1")))
    frames.expectBody(count)
    #expect(frames.next() == .line(ByteBuffer(string: "2")))
  }

  @Test func `nothing is held between lines`() {
    var frames = LineFrames(lineLimit: 100)
    frames.append(ByteBuffer(string: "x\n"))
    _ = frames.next()
    #expect(frames.next() == nil)
    #expect(frames.bufferedBytes == 0)
  }

  @Test func `discarded bytes are forgotten`() {
    var frames = LineFrames(lineLimit: 100)
    frames.append(ByteBuffer(string: "half a li"))
    #expect(frames.next() == nil)
    frames.discard()
    frames.append(ByteBuffer(string: "x\n"))
    #expect(frames.next() == .line(ByteBuffer(string: "x")))
  }

  /// Both users of the rules of framing give the same lines, and find the same line too long.
  @Test(arguments: 0..<50 as Range<UInt64>) func `frames and splitter agree`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var frames = LineFrames(lineLimit: 12)
    var splitter = LineSplitter(maximumLength: 12)
    var (framed, split) = ([String](), [String]())
    for _ in 0..<40 {
      let part = (0..<Int.random(in: 1...9, using: &random)).map { _ in random.once(in: 5) ? UInt8(0x0A) : 0x61 }
      frames.append(ByteBuffer(bytes: part))
      splitter.append(part)
      while case .line(let line)? = frames.next() { framed.append(String(buffer: line)) }
      while let line = try? splitter.next() { split.append(String(decoding: line, as: UTF8.self)) }
    }
    #expect(framed == split)
    if frames.next() == .tooLong {
      #expect(throws: LineTooLong.self) { try splitter.next() }
    } else {
      #expect(throws: Never.self) { try splitter.next() }
    }
  }
}
