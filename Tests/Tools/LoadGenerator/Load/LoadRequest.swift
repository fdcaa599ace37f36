// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON

/// A request that is sent again and again, and how the end of its answer is told.
package struct LoadRequest: Equatable, Sendable {
  package let bytes: [UInt8]
  /// Every answer has exactly so many line feeds: counting them needs no parser and costs the same for every server.
  package let linesOfAnswer: Int
  /// What is sent once on a new connection and answered with one line.
  package let greeting: [UInt8]

  // MARK: Lines of JSON

  private static let hello =
    #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "0f", count: 32))","name":"load"}"# + "\n"

  package static func lookup(_ key: String) -> LoadRequest {
    line(["id": 2, "op": "lookup", "key": .string(key)])
  }

  package static func list(collection: String, limit: Int64) -> LoadRequest {
    line(["id": 2, "op": "list", "collection": .string(collection), "limit": .integer(limit)])
  }

  private static func line(_ json: JSONValue) -> LoadRequest {
    LoadRequest(bytes: (try? Jansson.encodeLine(json)) ?? [], linesOfAnswer: 1, greeting: Array(hello.utf8))
  }

  // MARK: Redis (RESP)

  /// Answered by `$N`, the value.
  package static func redisGet(_ key: String) -> LoadRequest {
    LoadRequest(bytes: redis(["GET", key]), linesOfAnswer: 2, greeting: [])
  }

  /// Answered by `*N` and two lines for each element.
  package static func redisRange(_ key: String, count: Int) -> LoadRequest {
    LoadRequest(bytes: redis(["LRANGE", key, "0", "\(count - 1)"]), linesOfAnswer: 1 + 2 * count, greeting: [])
  }

  /// A command as an array of bulk strings: the serialization protocol of Redis, version 2.
  package static func redis(_ words: [String]) -> [UInt8] {
    Array("*\(words.count)\r\n".utf8) + words.flatMap { Array("$\($0.utf8.count)\r\n\($0)\r\n".utf8) }
  }
}
