// SPDX-License-Identifier: Apache-2.0

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
