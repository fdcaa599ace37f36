// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing
import WireProtocol

/// A message of any type, for any back end.
protocol AnyMessage: Sendable {
  init(reading fields: some FieldReader) throws
  /// Written by the direct writer.
  func direct() -> String
  /// Written by jansson.
  func tree() -> JSONValue
}

/// One message of the protocol, as a line and as the type that reads it.
struct MessageCase: Sendable, CustomTestStringConvertible {
  enum Outcome: Equatable, CustomStringConvertible {
    /// The message, written again.
    case read(String)
    case refused(ErrorCode, String)

    var description: String {
      switch self {
      case .read(let line): "read as \(line)"
      case .refused(let code, let message): "refused as \(code): \(message)"
      }
    }
  }

  /// As both back ends write it.
  let line: String
  /// Members that may be missing.
  let optional: Set<String>
  private let type: any AnyMessage.Type

  init(_ type: any AnyMessage.Type, _ line: String, optional: Set<String> = []) {
    self.type = type
    self.line = line
    self.optional = optional
  }

  var testDescription: String { "\(type): \(line.prefix(60))" }

  /// Reads a line with the strict reader and writes the message with the direct writer.
  func strict(_ line: String) throws -> Outcome {
    try read(line) { object in outcome { try type.init(reading: object).direct() } }
  }

  /// Reads a line with jansson and writes the message with it.
  func jansson(_ line: String) throws -> Outcome {
    let members = try members(line)
    return outcome { try WireProtocolTests.line(type.init(reading: members).tree()) }
  }

  private func outcome(_ body: () throws -> String) -> Outcome {
    do {
      return .read(try body())
    } catch let failure as WireFailure {
      return .refused(failure.code, failure.message)
    } catch let refusal as SupervisorRequest.Refusal {
      return .refused(refusal.failure.code, refusal.failure.message)
    } catch {
      return .refused(.internal, "\(error)")
    }
  }
}

// MARK: The kinds of messages

/// A part of a message, without the members of a whole line.
struct Part<Message: WireMessage>: AnyMessage {
  let message: Message

  init(reading fields: some FieldReader) throws { message = try Message(fields) }
  func direct() -> String { line { writer in writer.line { message.write(to: &$0) } } }
  func tree() -> JSONValue { message.json }
}

struct Reply<Message: WireReply>: AnyMessage {
  let id: Int64
  let message: Message

  init(reading fields: some FieldReader) throws {
    id = try fields.requestID()
    message = try Message(fields)
  }
  func direct() -> String { line { message.write(id: id, to: &$0) } }
  func tree() -> JSONValue { message.json(id: id) }
}

struct IndexLine: AnyMessage {
  let id: Int64
  let request: IndexRequest

  init(reading fields: some FieldReader) throws {
    id = try fields.requestID()
    request = try IndexRequest(fields: fields, batchLimit: 2)
  }
  func direct() -> String { line { request.write(id: id, to: &$0) } }
  func tree() -> JSONValue { request.json(id: id) }
}

struct PeerLine: AnyMessage {
  let id: Int64
  let request: PeerRequest

  init(reading fields: some FieldReader) throws {
    id = try fields.requestID()
    request = try PeerRequest(fields: fields)
  }
  func direct() -> String { line { request.write(id: id, to: &$0) } }
  func tree() -> JSONValue { request.json(id: id) }
}

struct ControlLine: AnyMessage {
  let id: Int64
  let request: ControlRequest

  init(reading fields: some FieldReader) throws {
    id = try fields.requestID()
    request = try ControlRequest(fields)
  }
  func direct() -> String { line { request.write(id: id, to: &$0) } }
  func tree() -> JSONValue { request.json(id: id) }
}

struct SupervisorLine: AnyMessage {
  let request: SupervisorRequest

  init(reading fields: some FieldReader) throws { request = try SupervisorRequest(fields) }
  func direct() -> String { line { request.operation.write(id: request.id, to: &$0) } }
  func tree() -> JSONValue { request.json }
}

struct FailureLine: AnyMessage {
  let id: Int64?
  let failure: WireFailure

  init(reading fields: some FieldReader) throws {
    id = fields.value("id")?.integer
    guard let failure = try WireFailure(reply: fields) else { throw WireFailure.badRequest("no failure") }
    self.failure = failure
  }
  func direct() -> String { line { failure.write(id: id, to: &$0) } }
  func tree() -> JSONValue { failure.json(id: id) }
}
