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
  }

  package static let operations = ["hello", "status", "start", "stop", "restart", "reload", "wait"]
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
    switch operation {
    case .hello(let number):
      members["op"] = "hello"
      members["protocol"] = .integer(number)
    case .status: members["op"] = "status"
    case .start(let name): Self.put("start", name, into: &members)
    case .stop(let name): Self.put("stop", name, into: &members)
    case .restart(let name): Self.put("restart", name, into: &members)
    case .reload: members["op"] = "reload"
    case .wait: members["op"] = "wait"
    }
    return .object(members)
  }

  private static func put(_ operation: String, _ name: String?, into members: inout JSONMembers) {
    members["op"] = .string(operation)
    if let name { members["name"] = .string(name) }
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
    let operation: Operation?
    do {
      operation = try Self.operation(fields)
    } catch {
      throw Refusal(id: identifier, failure: error)
    }
    guard let operation else {
      let known = Self.operations.joined(separator: ", ")
      throw Refusal(id: identifier, failure: WireFailure(.unknownOperation, "the operations here are \(known)"))
    }
    self.init(id: identifier, operation)
  }

  private static func operation(_ fields: MessageFields) throws(WireFailure) -> Operation? {
    switch try fields.string("op") {
    case "hello": .hello(protocol: try fields.integer("protocol", in: Int64.min ... .max))
    case "status": .status
    case "start": .start(name: try fields.optionalString("name"))
    case "stop": .stop(name: try fields.optionalString("name"))
    case "restart": .restart(name: try fields.optionalString("name"))
    case "reload": .reload
    case "wait": .wait
    default: nil
    }
  }
}
