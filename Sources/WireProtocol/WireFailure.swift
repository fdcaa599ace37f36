// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// A failure as the wire carries it.
package struct WireFailure: Error, Equatable, Sendable {
  /// A limit that was met, by its name in the `limits` of `hello`.
  package struct Limit: Equatable, Sendable {
    package let name: String
    package let value: Int

    package init(_ name: String, _ value: Int) {
      self.name = name
      self.value = value
    }
  }

  package let code: ErrorCode
  /// A sentence for a person: what happened, to what.
  package let message: String
  package var limit: Limit?
  /// In seconds, where waiting helps.
  package var retryAfter: Int?

  package init(_ code: ErrorCode, _ message: String, limit: Limit? = nil, retryAfter: Int? = nil) {
    self.code = code
    self.message = message
    self.limit = limit
    self.retryAfter = retryAfter
  }

  package static func badRequest(_ message: String) -> WireFailure {
    WireFailure(.badRequest, message)
  }

  /// The answer to whatever comes before `hello`.
  package static let helloRequired = WireFailure(.helloRequired, "the first request is hello")

  /// What is said before a connection is closed on which no `hello` came in time.
  /// - Parameter seconds: the limit `hello`.
  package static func noHello(within seconds: Int) -> WireFailure {
    WireFailure(.helloRequired, "no hello came within \(seconds) s", limit: Limit("hello", seconds))
  }

  /// The answer to a line that cannot be read.
  package static func unreadableLine(_ error: any Error) -> WireFailure {
    badRequest("this is no line of JSON: \(error)")
  }

  static let unpairedEmptyContent = badRequest("the content of 64 zeros and the size 0 stand only together")
}

extension WireFailure: CustomStringConvertible {
  package var description: String { "\(code.rawValue): \(message)" }
}

// MARK: On the index and peer planes

extension WireFailure {
  /// Appends the line that answers request `id`; `nil` where the request had none.
  package func write(id: Int64?, to output: inout JSONWriter) {
    output.beginObject()
    output.key("id")
    if let id { output.integer(id) } else { output.null() }
    output.member("status", code.status)
    output.member("error", code.rawValue)
    output.member("message", message)
    if let limit {
      output.member("limit", limit.name)
      output.member("value", limit.value)
    }
    if let retryAfter { output.member("retry_after", retryAfter) }
    output.endObject()
    output.endLine()
  }

  /// The failure that a reply holds, `nil` where its status is a success (2xx).
  package init?(reply: JSONObject) throws(WireFailure) {
    let status = try reply.integer("status", in: 100...599)
    guard status >= 300 else { return nil }
    let name = try reply.optionalString("error") ?? ""
    self.init(
      ErrorCode(rawValue: name) ?? .internal,
      try reply.optionalString("message") ?? "the other side refused with status \(status)",
      retryAfter: try reply.optionalInteger("retry_after", in: 0...86_400).map(Int.init))
    if let limitName = try reply.optionalString("limit"),
      let value = try reply.optionalInteger("value", in: 0...Int64(Int32.max))
    {
      limit = Limit(limitName, Int(value))
    }
  }
}
