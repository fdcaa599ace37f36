// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import IndexServer
import LineJSON
import NIOCore
import WireProtocol

/// What must hold for any bytes that a client sends to the index, in one connection.
enum SessionCheck {
  /// - Parameter input: the first byte sets the size of the pieces in which the others arrive.
  /// - Returns: what is wrong; `nil` if nothing is.
  static func problem(_ input: [UInt8]) throws -> String? {
    var limits = IndexLimits()
    (limits.line, limits.batch, limits.watches, limits.holders) = (8192, 20, 3, 2)
    let service = IndexService(limits: limits, wallClock: { 0 })
    let empty = service.bytes
    let other = try EmbeddedConnection(service)
    try other.send(Wire.hello(peer: Wire.bob, name: "bob"))
    let documents = ["file/a", "rfc/1", "data/x/1"].enumerated().map {
      Wire.document($1, "Some title", content: $0 + 1)
    }
    try other.send(Wire.add(documents))
    let client = try EmbeddedConnection(service, from: "192.0.2.7")
    var session = Session()
    session.take(try client.send(Wire.hello()))
    let bytes = Array(input.dropFirst())
    let size = Int(input.first ?? 0) * 8 + 1
    for start in stride(from: 0, to: bytes.count, by: size) where client.isOpen {
      session.take(try client.begin(bytes: Array(bytes[start..<min(start + size, bytes.count)])))
    }
    // Something happens that watchers are told.
    try other.send(Wire.add(Wire.document("file/a", "Other title")))
    try other.send(Wire.remove("rfc/1", content: 2))
    if let problem = session.problem { return problem }
    if let problem = try ended(client, &session) { return problem }
    for connection in [client, other] where connection.isOpen { try connection.close() }
    for connection in [client, other] { connection.pass(.seconds(1)) }
    guard service.bytes == empty, service.statistics.records == 0, service.statistics.sessions == 0,
      service.watchCount == 0, service.untoldBytes == 0
    else { return "something is left: \(service.statistics)" }
    return nil
  }

  /// A connection that is still read answers what comes next.
  private static func ended(_ client: EmbeddedConnection, _ session: inout Session) throws -> String? {
    guard client.isOpen else { return nil }
    session.take(try client.send("\n" + #"{"id":424242,"op":"ping"}"#))
    for _ in 0..<1000 where !session.hasAnsweredPing && client.isOpen {
      client.pass(.milliseconds(1))
      session.take(try client.written())
    }
    if let problem = session.problem { return problem }
    return session.hasAnsweredPing || !client.isOpen ? nil : "a ping is not answered"
  }

  /// What has come from the index.
  private struct Session {
    private(set) var problem: String?
    private(set) var hasAnsweredPing = false
    /// The number of the last event of each watch.
    private var events: [Int64: Int64] = [:]
    private var ended: Set<Int64> = []

    mutating func take(_ lines: [JSONValue]) {
      for line in lines {
        if let event = line["event"]?.string {
          take(event, line)
        } else if line["status"]?.integer == nil {
          problem = "neither a reply nor an event: \(line)"
        } else if line["id"] == 424_242 {
          hasAnsweredPing = true
        }
      }
    }

    private mutating func take(_ event: String, _ line: JSONValue) {
      guard let watch = line["watch"]?.integer, let seq = line["seq"]?.integer else {
        return problem = "an event without watch or seq"
      }
      if ended.contains(watch) { problem = "an event after the end of watch \(watch)" }
      if seq != events[watch, default: 0] + 1 { problem = "event \(seq) after \(events[watch, default: 0])" }
      events[watch] = seq
      if event == "overflow" { ended.insert(watch) }
    }
  }
}
