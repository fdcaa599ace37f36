// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The private line protocol between the supervisor and each of its children, on a socket pair that the child inherits.
package enum ChannelProtocol {
  /// The environment variable with the number of the child's descriptor.
  package static let environmentVariable = "P2P_CHANNEL"
  /// The longest line that either side sends or takes, in bytes.
  package static let maximumLine = 65_536
}

/// The first line on the channel, from the supervisor: the name of the child, its settings, and which of its descriptors
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
    .object(
      .written { fields in
        fields.member("channel", ProtocolVersion.channel)
        fields.member("role", role.rawValue)
        fields.member("name", name)
        fields.object("settings") { settings.write(to: &$0) }
        fields.object("listeners", listeners)
      })
  }

  /// Why the first line cannot be used.
  package enum Refusal: Error, Equatable {
    /// The supervisor speaks another version of the channel.
    case otherProtocol(Int64)
    /// What is wrong, as a sentence.
    case malformed(String)
  }

  package init(_ json: JSONValue) throws(Refusal) {
    guard let fields = json.fields else { throw .malformed("a message is a JSON object") }
    do {
      let number = try fields.integer("channel", in: Int64.min ... .max)
      // Checked first: in another version the other members may mean something else.
      guard number == ProtocolVersion.channel else { throw Refusal.otherProtocol(number) }
      let role: ProcessRole = try fields.word("role")
      name = try fields.string("name")
      settings = try ChildSettings(fields.object("settings"), role: role)
      listeners = try ChannelListeners(fields.object("listeners"))
    } catch let failure as WireFailure {
      throw .malformed(failure.message)
    } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw .malformed("\(error)")
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
      "malformed first line from the supervisor: \(message)"
    }
  }
}

/// A command of the supervisor to a child, after the first line.
package enum ChannelCommand: Sendable, Hashable {
  /// Finish running requests, take no new ones, exit 0.
  case stop
  /// Use these settings from now on.
  case reload(ChildSettings)
  /// Listen on the control socket whose descriptor comes with this line: the path of the old one was lost. SCM_RIGHTS in
  /// unix(7).
  case listen
  /// To an index: the peers of its supervisor, which belong to its network. It answers with `owned`.
  case own([PeerID])
  /// To a peer that has stated its id: the index of this supervisor, if there is one, knows it.
  case go

  package var json: JSONValue {
    .object(
      .written { fields in
        switch self {
        case .stop:
          fields.member("op", "stop")
        case .reload(let settings):
          fields.member("op", "reload")
          fields.object("settings") { settings.write(to: &$0) }
        case .listen:
          fields.member("op", "listen")
          fields.member("listener", "control")
        case .own(let ids):
          fields.member("op", "own")
          fields.strings("ids", ids.map(\.hex))
        case .go:
          fields.member("op", "go")
        }
      })
  }

  /// - Parameter role: that of the child, which decides the type of settings.
  package init(_ json: JSONValue, role: ProcessRole) throws(WireFailure) {
    guard let fields = json.fields else { throw .badRequest("a message is a JSON object") }
    switch try fields.string("op") {
    case "stop": self = .stop
    case "reload": self = .reload(try ChildSettings(fields.object("settings"), role: role))
    case "listen":
      guard try fields.string("listener") == "control" else { throw .badRequest("listener is control") }
      self = .listen
    case "own":
      var ids = [PeerID]()
      for text in try fields.strings("ids") {
        guard let id = PeerID(hex: text) else { throw .badRequest("ids is an array of ids") }
        ids.append(id)
      }
      self = .own(ids)
    case "go": self = .go
    default: throw .badRequest("op is one of stop, reload, listen, own, go")
    }
  }
}

/// A report of a child to the supervisor.
package enum ChannelEvent: WireMessage, Hashable {
  /// It serves its sockets, and has tried to reach the index once. The addresses are those that it listens on. A peer says
  /// so again when other machines reach it at another one.
  case ready(ChannelAddresses)
  /// It is ready, but speaks another version of the channel, in which the same words may mean something else.
  case otherProtocol(Int64)
  /// It is alive; every second.
  case heartbeat
  /// It is about to exit, for a reason that a person can act on.
  case failed(message: String)
  /// A peer states its id, and waits for `go` before it connects to its index.
  case identity(PeerID)
  /// An index has taken the ids of the first `own` that it has not answered.
  case owned

  package init(_ fields: some FieldReader) throws(WireFailure) {
    switch try fields.string("event") {
    case "ready":
      let number = try fields.optionalInteger("channel", in: Int64.min ... .max) ?? ProtocolVersion.channel
      if number == ProtocolVersion.channel {
        self = .ready(try ChannelAddresses(fields.object("addresses")))
      } else {
        self = .otherProtocol(number)
      }
    case "heartbeat": self = .heartbeat
    case "failed": self = .failed(message: try fields.string("message"))
    case "identity": self = .identity(try fields.peerID("id"))
    case "owned": self = .owned
    default: throw .badRequest("event is one of ready, heartbeat, failed, identity, owned")
    }
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .ready(let addresses):
      fields.member("event", "ready")
      fields.member("channel", ProtocolVersion.channel)
      fields.object("addresses", addresses)
    case .otherProtocol(let number):
      fields.member("event", "ready")
      fields.member("channel", number)
    case .heartbeat:
      fields.member("event", "heartbeat")
    case .failed(let message):
      fields.member("event", "failed")
      fields.member("message", message)
    case .identity(let id):
      fields.member("event", "identity")
      fields.member("id", id)
    case .owned:
      fields.member("event", "owned")
    }
  }
}
