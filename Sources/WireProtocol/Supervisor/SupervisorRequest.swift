// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// What a front end asks of the supervisor on its control socket.
package struct SupervisorRequest: Sendable, Hashable {
  package enum Operation: Sendable, Hashable {
    case hello(protocol: Int64)
    /// A row for each process, then the reply.
    case status
    /// Without a name: everything that was stopped or parked.
    case start(name: String?)
    /// Without a name: the supervisor itself ends, and everything with it.
    case stop(name: String?)
    /// Without a name: every process.
    case restart(name: String?)
    /// Read the configuration again.
    case reload
    /// Answer when every process is ready or will not be.
    case wait

    package var word: SupervisorOperation {
      switch self {
      case .hello: .hello
      case .status: .status
      case .start: .start
      case .stop: .stop
      case .restart: .restart
      case .reload: .reload
      case .wait: .wait
      }
    }
  }

  /// The longest line that either side takes, in bytes.
  package static let maximumLine = 1_048_576

  /// 0…2^53 − 1.
  package let id: Int64
  package let operation: Operation

  package init(id: Int64, _ operation: Operation) {
    self.id = id
    self.operation = operation
  }

  package var json: JSONValue {
    var members: JSONMembers = ["id": .integer(id)]
    members["op"] = .string(operation.word.rawValue)
    switch operation {
    case .hello(let number): members["protocol"] = .integer(number)
    case .start(let name?), .stop(let name?), .restart(let name?): members["name"] = .string(name)
    case .start(nil), .stop(nil), .restart(nil), .status, .reload, .wait: break
    }
    return .object(members)
  }

  /// Why a line is no request; the reply carries the id where there was a good one.
  package struct Refusal: Error, Equatable {
    package let id: Int64?
    package let failure: WireFailure
  }

  package init(_ json: JSONValue) throws(Refusal) {
    let identifier: Int64
    let fields: MessageFields
    do {
      fields = try MessageFields(json)
      identifier = try fields.requestID()
    } catch {
      throw Refusal(id: nil, failure: error)
    }
    do {
      self.init(id: identifier, try Self.operation(fields))
    } catch {
      throw Refusal(id: identifier, failure: error)
    }
  }

  private static func operation(_ fields: MessageFields) throws(WireFailure) -> Operation {
    guard let word = SupervisorOperation(rawValue: try fields.string("op")) else {
      let known = SupervisorOperation.allCases.map(\.rawValue).joined(separator: ", ")
      throw WireFailure(.unknownOperation, "the operations here are \(known)")
    }
    return switch word {
    case .hello: .hello(protocol: try fields.integer("protocol", in: Int64.min ... .max))
    case .status: .status
    case .start: .start(name: try fields.optionalString("name"))
    case .stop: .stop(name: try fields.optionalString("name"))
    case .restart: .restart(name: try fields.optionalString("name"))
    case .reload: .reload
    case .wait: .wait
    }
  }
}
