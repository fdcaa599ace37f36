// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// The largest and smallest values of members, and the first ones outside, for both back ends.
@Suite struct BoundaryTests {
  /// A member of one kind of message, with values on both sides of its limits.
  struct Boundary: Sendable, CustomTestStringConvertible {
    let type: any AnyMessage.Type
    /// The message, with `%` in place of the value.
    let line: String
    let taken: [String]
    let refused: [String]

    init(_ type: any AnyMessage.Type, _ line: String, takes taken: [String], refuses refused: [String]) {
      self.type = type
      self.line = line
      self.taken = taken
      self.refused = refused
    }

    var testDescription: String { line }
  }

  private static let content = #""content":"\#(Sample.root)""#
  private static let largest = "9007199254740991"
  private static let tooLarge = ["9007199254740992", "9223372036854775807", "-1", "1.5", #""1""#]

  private static func text(_ count: Int, of unit: String = "k") -> String {
    String(repeating: unit, count: count)
  }

  private static func quoted(_ texts: String...) -> [String] { texts.map { "\"\($0)\"" } }

  static let boundaries = numbers + texts + lists

  // MARK: Numbers

  private static let numbers = [
    Boundary(PeerLine.self, #"{"id":%,"op":"have",\#(Sample.content)}"#, takes: ["0", largest], refuses: tooLarge),
    Boundary(IndexLine.self, #"{"id":%,"op":"ping"}"#, takes: ["0", largest], refuses: tooLarge),
    Boundary(ControlLine.self, #"{"id":%,"op":"status"}"#, takes: ["0", largest], refuses: tooLarge),
    Boundary(SupervisorLine.self, #"{"id":%,"op":"status"}"#, takes: ["0", largest], refuses: tooLarge),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"lookup",\#(content),"size":%}"#, takes: ["1", largest], refuses: tooLarge),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"list","limit":%}"#, takes: ["1", "2147483647"], refuses: ["0", "2147483648"]),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"peers","limit":%}"#, takes: ["1", "2147483647"], refuses: ["0", "2147483648"]),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"a","port":%}"#,
      takes: ["1", "65535"], refuses: ["0", "65536", "-1"]),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"get",\#(Sample.content),"offset":%,"length":1}"#, takes: ["0", largest],
      refuses: tooLarge),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"get",\#(Sample.content),"offset":0,"length":%}"#, takes: ["0", largest],
      refuses: tooLarge),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"hashes",\#(Sample.content),"layer":%,"index":0,"length":1}"#,
      takes: ["0", "63"], refuses: ["64", "-1"]),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"hashes",\#(Sample.content),"layer":0,"index":0,"length":%}"#,
      takes: ["1", "2", "4", "8", "16", "32", "64", "128", "256", "512"], refuses: ["0", "3", "511", "513", "1024"]),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"hashes",\#(Sample.content),"layer":0,"index":%,"length":512}"#,
      takes: ["0", "512", "9007199254740480"], refuses: ["1", "511", "513", "9007199254740991", "-512"]),
    Boundary(
      ControlLine.self, #"{"id":1,"op":"peers","limit":%}"#, takes: ["1", largest], refuses: ["0"] + tooLarge),
    Boundary(
      Reply<GetReply>.self, #"{"id":1,"status":200,"offset":%,"length":0}"#, takes: ["0", largest],
      refuses: tooLarge),
    Boundary(
      Reply<HashesReply>.self, #"{"id":1,"status":200,"hashes":%}"#, takes: ["0", "1048576"],
      refuses: ["1048577", "-1"]),
    Boundary(
      Part<ChannelListeners>.self, #"{"control":%}"#, takes: ["3", "65535"], refuses: ["2", "0", "-1", "65536"]),
    Boundary(
      FailureLine.self, #"{"id":1,"status":%,"error":"internal","message":"m"}"#, takes: ["500"],
      refuses: ["99", "600", "200", "-500"]),
    Boundary(
      FailureLine.self, #"{"id":1,"status":503,"error":"unavailable","message":"m","retry_after":%}"#,
      takes: ["0", "86400"], refuses: ["86401", "-1", "0.5"]),
  ]

  // MARK: Texts

  private static let name = #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":%}"#
  private static let names = (
    taken: quoted(text(32), "_", "9", "a.b-c_d"),
    refused: quoted(text(33), "", ".a", "-a", "a b", "index", "supervisor", "é")
  )

  private static let texts = [
    Boundary(IndexLine.self, name, takes: names.taken, refuses: names.refused),
    Boundary(PeerLine.self, name, takes: names.taken, refuses: names.refused),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"lookup","key":%}"#,
      takes: quoted("file/" + text(512), text(32) + "/a", "file/" + text(256, of: "é"), "a/b/c", "rfc/1"),
      refuses: quoted(
        "file/" + text(513), text(33) + "/a", "file/" + text(257, of: "é"), "file", "file/", "/a", "a//b", "a/.",
        "a/..",
        "A/b", "file/a\\u0001", "file/a\\u0085", "file/e\\u0301")),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"list","collection":%}"#, takes: quoted(text(32), "a-0"),
      refuses: quoted(text(33), "", "a_b", "A", "é")),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"list","words":%}"#, takes: quoted(text(1024), "a"), refuses: quoted(text(1025))),
    Boundary(
      Part<Document>.self,
      #"{"key":"rfc/1","title":%,\#(content),"size":1,"modified":"1981-09-01T00:00:00Z"}"#,
      takes: quoted("", text(512), text(256, of: "é")),
      refuses: quoted(text(513), text(257, of: "é"), "a\\nb", "a\\u007f", "a\\u009f", "a\\u2066", "e\\u0301")),
    Boundary(
      Part<Document>.self, #"{"key":"rfc/1","title":"t",\#(content),"size":1,"modified":%}"#,
      takes: quoted("1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "9999-12-31T23:59:59Z"),
      refuses: quoted("2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01", "")),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"have","content":%,"size":1}"#, takes: quoted(Sample.root),
      refuses: quoted(text(63, of: "a"), text(65, of: "a"), text(64, of: "A"), text(64, of: "g"), text(64, of: "0"))),
    Boundary(
      PeerLine.self, #"{"id":1,"op":"have","content":"\#(text(64, of: "0"))","size":%}"#, takes: ["0"],
      refuses: ["1", largest]),
    Boundary(
      ControlLine.self, #"{"id":1,"op":"connect","address":%}"#,
      takes: quoted("h:1", "[::1]:65535", "192.0.2.1:7734"), refuses: quoted("h:65536", "h", "::1:1x", "[::1]", "")),
    Boundary(
      IndexLine.self, #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"a","advertise":%}"#,
      takes: quoted("192.0.2.1", "2001:db8::1"), refuses: quoted("example.org", "192.0.2.256", "", "::g", "1.2.3")),
  ]

  // MARK: Lists

  private static let lists = [
    Boundary(
      IndexLine.self, #"{"id":1,"op":"add","documents":%}"#,
      takes: ["[]", "[{\(Sample.document)}]", "[{\(Sample.document)},{\(Sample.document)}]"],
      refuses: ["[{\(Sample.document)},{\(Sample.document)},{\(Sample.document)}]", "[[]]", "[null]", "{}"]),
    Boundary(
      ControlLine.self, #"{"id":1,"op":"add","paths":%,"recursive":false}"#, takes: [#"["/"]"#, #"["/a","/b"]"#],
      refuses: ["[]", #"[""]"#, #"["a"]"#, #"["/a","b"]"#, #"["/a",1]"#, #""/a""#]),
    Boundary(
      Part<IndexSettings>.self, #"{"address":":7734","allow_advertise":%}"#,
      takes: [#"["0.0.0.0/0"]"#, #"["10.0.0.0/8","::/0"]"#],
      refuses: [#"["10.0.0.0/33"]"#, #"["::/129"]"#, #"["10.0.0.0/-1"]"#, #"["x"]"#, "[8]"]),
  ]

  @Test(arguments: boundaries)
  func `values up to the limits are taken, and others refused`(_ boundary: Boundary) throws {
    for value in boundary.taken {
      let line = boundary.line.replacing("%", with: value)
      let message = MessageCase(boundary.type, line)
      for outcome in [try message.strict(line), try message.jansson(line)] {
        guard case .read(let written) = outcome else {
          Issue.record("\(value): \(outcome)")
          continue
        }
        // Nothing is lost on the way through a program.
        #expect(try members(written) == members(line))
      }
    }
    for value in boundary.refused {
      let line = boundary.line.replacing("%", with: value)
      let message = MessageCase(boundary.type, line)
      let (strict, jansson) = (try message.strict(line), try message.jansson(line))
      guard case .refused = strict else {
        Issue.record("\(value) was \(strict)")
        continue
      }
      #expect(strict == jansson)
    }
  }
}
