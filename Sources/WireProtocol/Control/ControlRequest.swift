package import DocumentModel
package import LineJSON

/// What a front end asks of the daemon. The words on the wire, the cases and the commands are the same.
package enum ControlRequest: Equatable, Sendable {
  case hello(protocol: Int64)
  case add(AddFiles)
  case lookup(DocumentKey)
  case list(ListDocuments)
  case get(GetDocument)
  case remove(RemoveDocument)
  case status
  /// - Parameter limit: at most so many rows; `nil` for all.
  case peers(limit: Int?)
  case transfers
  /// The address of the index to use from now on; `nil` for the one of the settings.
  case connect(Endpoint?)
  /// How the daemon stands, seen from outside.
  case doctor

  /// The word in `op`.
  package var operation: String {
    switch self {
    case .hello: "hello"
    case .add: "add"
    case .lookup: "lookup"
    case .list: "list"
    case .get: "get"
    case .remove: "remove"
    case .status: "status"
    case .peers: "peers"
    case .transfers: "transfers"
    case .connect: "connect"
    case .doctor: "doctor"
    }
  }

  /// Every word that `init` takes: compared with the routes and the written protocol by tests.
  package static let operations = [
    "hello", "add", "lookup", "list", "get", "remove", "status", "peers", "transfers", "connect",
    "doctor",
  ]
}

// MARK: JSON

extension ControlRequest {
  /// The `id` of a line, so that even a request that makes no sense gets an answer that can be matched.
  package static func id(of json: JSONValue) -> Int64? {
    guard let fields = try? MessageFields(json) else { return nil }
    return try? fields.requestID()
  }

  /// Reads everything but `id`.
  /// - Throws: `bad-request`, `unknown-operation` or `invalid-key`.
  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    let operation = try fields.string("op")
    guard Self.operations.contains(operation) else {
      throw WireFailure(.unknownOperation, "there is no operation \"\(operation)\" on the control socket")
    }
    if ["lookup", "get", "remove"].contains(operation) {
      let key = try fields.string("key")
      do { _ = try DocumentKey(key) } catch { throw WireFailure(.invalidKey, error.reason) }
    }
    self = try Self.read(operation, fields, json)
  }

  private static func read(_ operation: String, _ fields: MessageFields, _ json: JSONValue) throws(WireFailure)
    -> ControlRequest
  {
    switch operation {
    case "hello": .hello(protocol: try fields.integer("protocol"))
    case "add": .add(try AddFiles(json))
    case "lookup": .lookup(try fields.key())
    case "list": .list(try ListDocuments(json))
    case "get": .get(try GetDocument(json))
    case "remove": .remove(try RemoveDocument(json))
    case "peers": .peers(limit: try fields.optionalInteger("limit", in: 1...Int(Content.maximumSize)))
    case "transfers": .transfers
    case "connect": .connect(try fields.optionalFlag("default") ?? false ? nil : fields.endpoint("address"))
    case "doctor": .doctor
    default: .status
    }
  }

  /// The whole line.
  package func json(id: Int64) -> JSONValue {
    var line: JSONMembers = ["id": .integer(id), "op": .string(operation)]
    for member in members { line[member.key] = member.value }
    return .object(line)
  }

  private var members: JSONMembers {
    switch self {
    case .hello(let number): ["protocol": .integer(number)]
    case .add(let add): add.members
    case .lookup(let key): ["key": .string(key.text)]
    case .list(let list): list.members
    case .get(let get): get.members
    case .remove(let remove): remove.members
    case .peers(let limit?): ["limit": .integer(Int64(limit))]
    case .connect(let address?): ["address": .string(address.description)]
    case .connect(nil): ["default": .bool(true)]
    case .peers(nil), .status, .transfers, .doctor: [:]
    }
  }
}
