// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import WireProtocol

/// One connection of a front end, as a value: lines in, one action out.
package struct ControlSession {
  package enum State: Equatable {
    /// Nobody has said yet who is there. To `greeting` by `admit`.
    case unknown
    /// `hello` is awaited. To `ready` by it.
    case greeting
    /// Requests are taken. To `running` by one that takes its time.
    case ready
    /// A request is under way, no line is taken. To `ready` by its end.
    case running
  }

  package enum Action: Equatable {
    case answer(JSONValue)
    /// Call `finished` at the end of it.
    case run(id: Int64, ControlRequest)
    /// The answer is the last.
    case refuse(JSONValue)
  }

  package private(set) var state = State.unknown
  private let greeting: ControlHelloReply

  package init(greeting: ControlHelloReply) {
    self.greeting = greeting
  }

  /// The one who connected may use this daemon.
  package mutating func admit() {
    if state == .unknown { state = .greeting }
  }

  package mutating func finished() {
    if state == .running { state = .ready }
  }

  package mutating func received(_ line: some Sequence<UInt8>) -> Action {
    let json: JSONValue
    do {
      json = try Jansson.decode(line, maximumLength: ControlPlane.lineLimit)
    } catch {
      return .answer(Self.failure(.unreadableLine(error), id: nil))
    }
    guard state != .unknown else {
      return .refuse(
        Self.failure(
          WireFailure(.forbidden, "this daemon belongs to another user"), id: ControlRequest.id(of: json)))
    }
    guard let id = ControlRequest.id(of: json) else {
      return .answer(Self.failure(.badRequest("id is an integer from 0 to 2^53 - 1"), id: nil))
    }
    do throws(WireFailure) {
      return try take(try ControlRequest(json), id: id)
    } catch {
      return .answer(Self.failure(error, id: id))
    }
  }

  private mutating func take(_ request: ControlRequest, id: Int64) throws(WireFailure) -> Action {
    if case .hello(let number) = request {
      guard number == ProtocolVersion.wire else {
        throw WireFailure(
          .unsupportedProtocol,
          "protocol \(number) is not spoken here, \(ProtocolVersion.wire) is: use programs of one release")
      }
      state = .ready
      return .answer(greeting.json(id: id))
    }
    guard state == .ready else { throw .helloRequired }
    state = .running
    return .run(id: id, request)
  }

  static func failure(_ failure: WireFailure, id: Int64?) -> JSONValue {
    failure.json(id: id)
  }

  static let tooLong = failure(
    WireFailure(
      .tooLarge, "a line has at most \(ControlPlane.lineLimit) bytes", limit: .init("line", ControlPlane.lineLimit)),
    id: nil)
}
