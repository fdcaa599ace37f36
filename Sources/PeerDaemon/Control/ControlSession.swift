// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import WireProtocol

/// One connection of a front end as a state machine: lines in, one action out.
package struct ControlSession {
  package enum State: Equatable {
    /// The user on the other side is not known. To `greeting` by `admit`.
    case unknown
    /// Waiting for `hello`. To `ready` by it.
    case greeting
    /// Waiting for a request. To `running` by one.
    case ready
    /// A request is under way. To `ready` by its end.
    case running
  }

  package enum Action: Equatable {
    case answer(JSONValue)
    /// Call `finished` at its end.
    case run(id: Int64, ControlRequest)
    /// Answer, then close.
    case refuse(JSONValue)
  }

  package private(set) var state = State.unknown
  private let greeting: ControlHelloReply

  package init(greeting: ControlHelloReply) {
    self.greeting = greeting
  }

  /// The user on the other side may use this daemon.
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
      return failed(.unreadableLine(error), id: nil)
    }
    guard state != .unknown else {
      return .refuse(
        WireFailure(.forbidden, "this daemon belongs to another user; only its own user and root may use it").json(
          id: ControlRequest.id(of: json)))
    }
    guard let id = ControlRequest.id(of: json) else {
      return failed(.badRequest("id is an integer from 0 to 2^53 - 1"), id: nil)
    }
    do throws(WireFailure) {
      return try take(try ControlRequest(json), id: id)
    } catch {
      return failed(error, id: id)
    }
  }

  private func failed(_ failure: WireFailure, id: Int64?) -> Action {
    switch state {
    case .unknown, .greeting:
      let (reply, endsConnection) = failure.beforeHello
      return endsConnection ? .refuse(reply.json(id: id)) : .answer(reply.json(id: id))
    case .ready, .running: return .answer(failure.json(id: id))
    }
  }

  private mutating func take(_ request: ControlRequest, id: Int64) throws(WireFailure) -> Action {
    if case .hello(let number) = request {
      guard number == ProtocolVersion.wire else {
        throw WireFailure(
          .unsupportedProtocol,
          "unsupported protocol \(number), expected \(ProtocolVersion.wire): use programs of the same release")
      }
      state = .ready
      return .answer(greeting.json(id: id))
    }
    guard state == .ready else { throw .helloRequired }
    state = .running
    return .run(id: id, request)
  }

  static let tooLong = WireFailure(
    .tooLarge, "a line has at most \(ControlPlane.lineLimit) bytes", limit: .init("line", ControlPlane.lineLimit)
  ).json(id: nil)
}
