// SPDX-License-Identifier: Apache-2.0

import CProcess
import LineJSON
import SystemPackage
import WireProtocol

/// The supervisor's end of a child's channel.
struct ChildLink: ~Copyable {
  private static let outputLimit = 262_144

  let descriptor: FileDescriptor
  private var lines = LineSplitter(maximumLength: ChannelProtocol.maximumLine)
  private var output: [UInt8] = []
  private var isBroken = false

  init(descriptor: FileDescriptor) {
    self.descriptor = descriptor
  }

  deinit {
    try? descriptor.close()
  }

  /// Both ends of a new channel, the child's by number.
  static func pair() throws(Errno) -> (link: FileDescriptor, child: FileDescriptor) {
    var first: Int32 = -1
    var second: Int32 = -1
    let error = socket_pair(&first, &second)
    guard error == 0 else { throw Errno(rawValue: error) }
    return (FileDescriptor(rawValue: first), FileDescriptor(rawValue: second))
  }

  var wantsInput: Bool { !isBroken }
  var wantsOutput: Bool { !isBroken && !output.isEmpty }

  /// A child that does not read loses what it is told beyond the limit; that it shall stop it then hears by signal.
  mutating func send(_ json: JSONValue) {
    guard let line = try? Jansson.encodeLine(json), output.count + line.count <= Self.outputLimit else { return }
    output += line
    flush()
  }

  mutating func flush() {
    guard !isBroken, !output.isEmpty else { return }
    switch NonBlocking.send(descriptor, output) {
    case let count?: output.removeFirst(min(count, output.count))
    case nil: isBroken = true
    }
  }

  /// What the child has said since the last time. Lines that mean nothing are left out; a child that sends endless ones
  /// is not listened to any more, and so turns unresponsive.
  mutating func receive() -> [ChannelEvent] {
    guard !isBroken else { return [] }
    switch NonBlocking.receive(descriptor) {
    case .nothing: return []
    case .ended:
      isBroken = true
      return []
    case .bytes(let bytes): lines.append(bytes)
    }
    var events: [ChannelEvent] = []
    do {
      while let line = try lines.next() {
        guard let json = try? Jansson.decode(line, maximumLength: ChannelProtocol.maximumLine),
          let event = try? ChannelEvent(json)
        else { continue }
        events.append(event)
      }
    } catch {
      isBroken = true
    }
    return events
  }
}
