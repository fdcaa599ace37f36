// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON

/// A request to repeat, and how to recognise the end of its answer.
struct LoadRequest: Equatable, Sendable {
  let bytes: [UInt8]
  /// Line feeds in every answer. Counting them needs no parser and costs the same for every server.
  let linesOfAnswer: Int
  /// Sent once on a new connection and answered with one line.
  let greeting: [UInt8]

  // MARK: Lines of JSON

  private static let hello =
    #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "0f", count: 32))","name":"load"}"# + "\n"

  static func lookup(_ key: String) -> LoadRequest {
    line(["id": 2, "op": "lookup", "key": .string(key)])
  }

  static func list(collection: String, limit: Int64) -> LoadRequest {
    line(["id": 2, "op": "list", "collection": .string(collection), "limit": .integer(limit)])
  }

  private static func line(_ json: JSONValue) -> LoadRequest {
    LoadRequest(bytes: (try? Jansson.encodeLine(json)) ?? [], linesOfAnswer: 1, greeting: Array(hello.utf8))
  }

  // MARK: Redis (RESP)

  /// Answered by `$N`, the value.
  static func redisGet(_ key: String) -> LoadRequest {
    LoadRequest(bytes: redis(["GET", key]), linesOfAnswer: 2, greeting: [])
  }

  /// Answered by `*N` and two lines for each element.
  static func redisRange(_ key: String, count: Int) -> LoadRequest {
    LoadRequest(bytes: redis(["LRANGE", key, "0", "\(count - 1)"]), linesOfAnswer: 1 + 2 * count, greeting: [])
  }

  /// Answered by `*N` and two lines for each member.
  static func redisMembers(_ key: String, count: Int) -> LoadRequest {
    LoadRequest(bytes: redis(["SMEMBERS", key]), linesOfAnswer: 1 + 2 * count, greeting: [])
  }

  /// A command as an array of bulk strings: the serialization protocol of Redis, version 2.
  static func redis(_ words: [String]) -> [UInt8] {
    Array("*\(words.count)\r\n".utf8) + words.flatMap { Array("$\($0.utf8.count)\r\n\($0)\r\n".utf8) }
  }
}
