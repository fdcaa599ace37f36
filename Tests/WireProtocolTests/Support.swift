// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import WireProtocol

/// Reads one line with the strict reader.
func read<Result>(_ line: String, _ body: (JSONObject) throws -> Result) throws -> Result {
  var reader = JSONReader()
  return try reader.read(Array(line.utf8), body)
}

/// Reads one line with jansson.
func members(_ line: String) throws -> JSONMembers {
  try Jansson.decode(line.utf8).object ?? [:]
}

/// What a writer has written, without the newline.
func line(_ write: (inout JSONWriter) -> Void) -> String {
  var writer = JSONWriter()
  write(&writer)
  return String(decoding: writer.bytes.dropLast(), as: UTF8.self)
}

/// The line of a jansson value, without the newline.
func line(_ json: JSONValue) throws -> String {
  String(decoding: try Jansson.encodeLine(json).dropLast(), as: UTF8.self)
}

/// The message of the `bad-request` that `body` throws; `nil` if it throws nothing.
func refusal(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    guard let failure = error as? WireFailure, failure.code == .badRequest else { return "another error: \(error)" }
    return failure.message
  }
}

enum Sample {
  static let root = String(repeating: "0a", count: 32)
  static let peer = String(repeating: "b1", count: 32)
  static let other = String(repeating: "c2", count: 32)
  static let ticket = Ticket(
    addresses: [Endpoint(host: "192.0.2.1", port: 7734)], index: PeerID(digest: Digest(hex: other) ?? .zero),
    secret: TicketSecret(hex: String(repeating: "5e", count: 16)) ?? TicketSecret(using: &generator), role: .reader,
    expires: Timestamp(seconds: 1_772_366_400)
  ).text
  private nonisolated(unsafe) static var generator = SystemRandomNumberGenerator()
  /// Its signature is none.
  static let pass = SignedPass(
    Pass(
      network: PeerID(digest: Digest(hex: other) ?? .zero), peer: PeerID(digest: Digest(hex: peer) ?? .zero),
      role: .reader, expires: Timestamp(seconds: 1_772_366_400)), signature: [UInt8](0..<64)
  ).text
  static let holder = #"{"peer":"\#(peer)","name":"bob","host":"192.0.2.7","port":40001,"complete":true}"#
  static let content = #""content":"\#(root)","size":177957"#
  static let document =
    #""key":"rfc/793","title":"TCP","content":"\#(root)","size":177957,"modified":"1981-09-01T00:00:00Z""#
  static let contentListing =
    #""content":"\#(root)","title":"TCP","size":177957,"modified":"1981-09-01T00:00:00Z","total":12,"holders":[\#(holder)]"#
}
