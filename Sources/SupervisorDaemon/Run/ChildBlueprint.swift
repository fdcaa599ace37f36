// SPDX-License-Identifier: Apache-2.0

import SystemPackage
package import ProcessSupervision
package import WireProtocol

/// Everything needed to start a child repeatedly. Only its settings change while the supervisor runs.
package struct ChildBlueprint: Sendable {
  package enum ListenerKind: String, Sendable {
    case index
    case uploads
    case control
  }

  package struct Listener: Sendable {
    package let kind: ListenerKind
    package let socket: ListeningSocket
  }

  package let name: String
  package let executable: String
  package var settings: ChildSettings
  package private(set) var listeners: [Listener]
  /// `nil` keeps the supervisor's own.
  package let identity: ProcessSpecification.Identity?
  package let environment: [String: String]
  package let log: LogTarget

  /// The address shown to people: of the index, or of the uploads.
  package var address: String {
    listeners.compactMap(\.socket.endpoint).first.map { "\($0)" } ?? ""
  }

  /// The control socket; `nil` for the index of an open network.
  package var control: ListeningSocket? { listeners.first { $0.kind == .control }?.socket }

  /// Closes the old one, whose path now belongs to the new one.
  mutating func replaceControl(with socket: ListeningSocket) {
    guard let index = listeners.firstIndex(where: { $0.kind == .control }) else { return }
    try? listeners[index].socket.descriptor.close()
    listeners[index] = Listener(kind: .control, socket: socket)
  }

  package func closeListeners() {
    for listener in listeners { listener.socket.close() }
  }

  /// The descriptor of the channel in the child. The listeners follow it.
  private static let channelNumber: Int32 = 3

  private func number(of position: Int) -> Int32 {
    Self.channelNumber + 1 + Int32(clamping: position)
  }

  /// The first line on the channel.
  package var start: ChannelStart {
    var numbers = ChannelListeners()
    for (position, listener) in listeners.enumerated() {
      switch listener.kind {
      case .index: numbers.index = number(of: position)
      case .uploads: numbers.uploads = number(of: position)
      case .control: numbers.control = number(of: position)
      }
    }
    return ChannelStart(name: name, settings: settings, listeners: numbers)
  }

  /// - Parameters:
  ///   - input: becomes descriptor 0.
  ///   - output: becomes 1 and 2.
  ///   - channel: the child's end.
  package func specification(
    input: Int32, output: Int32, channel: Int32, limits: [ProcessSpecification.Limit], deathSignal: Int32
  ) -> ProcessSpecification {
    var descriptors: [ProcessSpecification.Descriptor] = [
      .init(source: input, target: 0), .init(source: output, target: 1), .init(source: output, target: 2),
      .init(source: channel, target: Self.channelNumber),
    ]
    for (position, listener) in listeners.enumerated() {
      descriptors.append(.init(source: listener.socket.descriptor.rawValue, target: number(of: position)))
    }
    var environment = environment
    environment[ChannelProtocol.environmentVariable] = "\(Self.channelNumber)"
    return ProcessSpecification(
      executable: executable, environment: environment, directory: "/", descriptors: descriptors, limits: limits,
      identity: identity, deathSignal: deathSignal)
  }
}
