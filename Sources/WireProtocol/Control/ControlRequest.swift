// SPDX-License-Identifier: Apache-2.0

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

  package var operation: ControlOperation {
    switch self {
    case .hello: .hello
    case .add: .add
    case .lookup: .lookup
    case .list: .list
    case .get: .get
    case .remove: .remove
    case .status: .status
    case .peers: .peers
    case .transfers: .transfers
    case .connect: .connect
    case .doctor: .doctor
    }
  }
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
    let word = try fields.string("op")
    guard let operation = ControlOperation(rawValue: word) else {
      throw WireFailure(.unknownOperation, "there is no operation \"\(word)\" on the control socket")
    }
    switch operation {
    case .lookup, .get, .remove: try Self.checkKey(try fields.string("key"))
    case .hello, .add, .list, .status, .peers, .transfers, .connect, .doctor: break
    }
    self = try Self.read(operation, fields, json)
  }

  /// What a person typed as a key is no fault of the program that sent it.
  private static func checkKey(_ text: String) throws(WireFailure) {
    do { _ = try DocumentKey(text) } catch { throw WireFailure(.invalidKey, error.reason) }
  }

  private static func read(
    _ operation: ControlOperation, _ fields: MessageFields, _ json: JSONValue
  ) throws(WireFailure) -> ControlRequest {
    switch operation {
    case .hello: .hello(protocol: try fields.integer("protocol"))
    case .add: .add(try AddFiles(json))
    case .lookup: .lookup(try fields.key())
    case .list: .list(try ListDocuments(json))
    case .get: .get(try GetDocument(json))
    case .remove: .remove(try RemoveDocument(json))
    case .status: .status
    case .peers: .peers(limit: try fields.optionalInteger("limit", in: 1...Int(Content.maximumSize)))
    case .transfers: .transfers
    case .connect: .connect(try fields.optionalFlag("default") ?? false ? nil : fields.endpoint("address"))
    case .doctor: .doctor
    }
  }

  /// The whole line.
  package func json(id: Int64) -> JSONValue {
    var line: JSONMembers = ["id": .integer(id), "op": .string(operation.rawValue)]
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
