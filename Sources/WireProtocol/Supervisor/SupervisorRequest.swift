// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// The operations of a supervisor.
package enum SupervisorOperation: String, CaseIterable, Sendable {
  case hello, status, start, stop, restart, reload, wait
}

/// A request of a front end to the supervisor, on its control socket.
package struct SupervisorRequest: Sendable, Hashable {
  package enum Operation: WireRequest, Hashable {
    case hello(protocol: Int64)
    /// A row for each process, then the reply.
    case status
    /// Without a name: everything that was stopped or parked.
    case start(name: String?)
    /// Without a name: the supervisor itself ends, and everything with it.
    case stop(name: String?)
    /// Without a name: every process.
    case restart(name: String?)
    /// Reads the configuration again.
    case reload
    /// Replies when every process is ready or will not be.
    case wait

    package var operation: SupervisorOperation {
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

    fileprivate init(_ fields: some FieldReader) throws(WireFailure) {
      guard let operation = SupervisorOperation(rawValue: try fields.string("op")) else {
        let known = SupervisorOperation.allCases.map(\.rawValue).joined(separator: ", ")
        throw WireFailure(.unknownOperation, "the operations here are \(known)")
      }
      switch operation {
      case .hello: self = .hello(protocol: try fields.integer("protocol", in: Int64.min ... .max))
      case .status: self = .status
      case .start: self = .start(name: try fields.optionalString("name"))
      case .stop: self = .stop(name: try fields.optionalString("name"))
      case .restart: self = .restart(name: try fields.optionalString("name"))
      case .reload: self = .reload
      case .wait: self = .wait
      }
    }

    package func write(to fields: inout some FieldWriter) {
      switch self {
      case .hello(let number): fields.member("protocol", number)
      case .start(let name?), .stop(let name?), .restart(let name?): fields.member("name", name)
      case .start(nil), .stop(nil), .restart(nil), .status, .reload, .wait: break
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

  package var json: JSONValue { operation.json(id: id) }

  /// Why a line is not a request. The reply carries the id if it could be read.
  package struct Refusal: Error, Equatable {
    package let id: Int64?
    package let failure: WireFailure
  }

  package init(_ json: JSONValue) throws(Refusal) {
    guard let fields = json.fields else {
      throw Refusal(id: nil, failure: .badRequest("a message is a JSON object"))
    }
    try self.init(fields)
  }

  package init(_ fields: some FieldReader) throws(Refusal) {
    do {
      id = try fields.requestID()
    } catch {
      throw Refusal(id: nil, failure: error)
    }
    do {
      operation = try Operation(fields)
    } catch {
      throw Refusal(id: id, failure: error)
    }
  }
}
