package import LineJSON

/// The first line on the channel, from the supervisor: who the child is, how it is set, and which of its descriptors
/// are listening sockets.
package struct ChannelStart: Sendable, Hashable {
  package let name: String
  package let settings: ChildSettings
  package let listeners: ChannelListeners

  package init(name: String, settings: ChildSettings, listeners: ChannelListeners) {
    self.name = name
    self.settings = settings
    self.listeners = listeners
  }

  package var role: ProcessRole { settings.role }

  package var json: JSONValue {
    .object([
      "channel": .integer(ProtocolVersion.channel), "role": .string(role.rawValue), "name": .string(name),
      "settings": settings.json, "listeners": listeners.json,
    ])
  }

  /// Why the first line cannot be used.
  package enum Refusal: Error, Equatable {
    /// The supervisor speaks another version of the channel.
    case otherProtocol(Int64)
    /// What is wrong, as a sentence.
    case malformed(String)
  }

  package init(_ json: JSONValue) throws(Refusal) {
    let number: Int64
    do {
      number = try MessageFields(json).integer("channel", in: Int64.min ... .max)
    } catch {
      throw .malformed(error.message)
    }
    // Before anything else is looked at: another version may mean other things by the same fields.
    guard number == ProtocolVersion.channel else { throw .otherProtocol(number) }
    do {
      let fields = try MessageFields(json)
      let role: ProcessRole = try fields.word("role")
      name = try fields.string("name")
      settings = try ChildSettings(fields.object("settings"), role: role)
      listeners = try ChannelListeners(fields.object("listeners"))
    } catch {
      throw .malformed(error.message)
    }
  }
}

extension ChannelStart.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .otherProtocol(let number):
      "the supervisor speaks channel protocol \(number), this program speaks \(ProtocolVersion.channel): "
        + "install both from the same release"
    case .malformed(let message):
      "the supervisor's first line cannot be read: \(message)"
    }
  }
}

/// The numbers of the listening sockets that a child inherits.
package struct ChannelListeners: Sendable, Hashable {
  package var index: Int32?
  package var uploads: Int32?
  package var control: Int32?

  package init(index: Int32? = nil, uploads: Int32? = nil, control: Int32? = nil) {
    self.index = index
    self.uploads = uploads
    self.control = control
  }

  /// Those that there are, with their names.
  package var all: [(name: String, descriptor: Int32)] {
    [("index", index), ("uploads", uploads), ("control", control)].compactMap { name, descriptor in
      descriptor.map { (name, $0) }
    }
  }

  package var json: JSONValue {
    .object(JSONMembers(all.map { ($0.name, .integer(Int64($0.descriptor))) }))
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    index = try fields.optionalInteger("index", in: 3...65_535)
    uploads = try fields.optionalInteger("uploads", in: 3...65_535)
    control = try fields.optionalInteger("control", in: 3...65_535)
  }
}
