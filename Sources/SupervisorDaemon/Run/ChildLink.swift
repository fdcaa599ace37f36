// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
package import LineJSON
import POSIXSupport
package import SystemPackage
package import WireProtocol

/// The supervisor's end of a child's channel.
package struct ChildLink: ~Copyable {
  private static let outputLimit = 262_144

  package let descriptor: FileDescriptor
  private var lines = LineSplitter(maximumLength: ChannelProtocol.maximumLine)
  private var output: [UInt8] = []
  /// Descriptors on their way, each with the position in `output` of the first byte of its line.
  private var passed: [(position: Int, descriptor: FileDescriptor)] = []
  private var isBroken = false

  package init(descriptor: FileDescriptor) {
    self.descriptor = descriptor
  }

  deinit {
    for (_, descriptor) in passed { try? descriptor.close() }
    try? descriptor.close()
  }

  /// Both ends of a new channel.
  package static func pair() throws(Errno) -> (link: FileDescriptor, child: FileDescriptor) {
    var first: Int32 = -1
    var second: Int32 = -1
    let error = socket_pair(&first, &second)
    guard error == 0 else { throw Errno(rawValue: error) }
    return (FileDescriptor(rawValue: first), FileDescriptor(rawValue: second))
  }

  package var wantsInput: Bool { !isBroken }
  package var wantsOutput: Bool { !isBroken && !output.isEmpty }

  /// A child that does not read loses commands beyond the limit; it is then stopped by signal.
  ///
  /// - Parameter passing: a descriptor that the child receives with this line; a copy of it is sent.
  package mutating func send(_ json: JSONValue, passing: FileDescriptor? = nil) {
    guard let line = try? Jansson.encodeLine(json), output.count + line.count <= Self.outputLimit else { return }
    if let passing {
      guard let copy = try? passing.duplicate() else { return }
      InheritedSocket.keepFromChildren(copy.rawValue)
      passed.append((output.count, copy))
    }
    output += line
    flush()
  }

  package mutating func flush() {
    while !isBroken, !output.isEmpty {
      guard let count = sendPart() else { return isBroken = true }
      guard count > 0 else { return }
      output.removeFirst(min(count, output.count))
      for index in passed.indices { passed[index].position -= count }
    }
  }

  /// Sends up to the next line with a descriptor, or from there on. The number of bytes taken; `nil` if the channel is broken.
  private mutating func sendPart() -> Int? {
    guard let next = passed.first, next.position == 0 else {
      return NonBlocking.send(descriptor, Array(output.prefix(passed.first?.position ?? output.count)))
    }
    let end = passed.count > 1 ? passed[1].position : output.count
    let count = socket_send_descriptor(descriptor.rawValue, output, end, next.descriptor.rawValue)
    guard count > 0 else { return [-Int64(EAGAIN), 0].contains(count) ? 0 : nil }
    try? passed.removeFirst().descriptor.close()
    return Int(count)
  }

  /// The events since the last call. Lines that are no event are skipped. After a line over the limit the channel is read no
  /// more, so the child becomes unresponsive.
  package mutating func receive() -> [ChannelEvent] {
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

/// Reads and writes that never block.
enum NonBlocking {
  enum Received {
    case bytes([UInt8])
    case nothing
    case ended
  }

  /// From a socket in either mode.
  static func receive(_ descriptor: FileDescriptor, atMost limit: Int = 65_536) -> Received {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(descriptor.rawValue, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    if count > 0 { return .bytes(Array(buffer.prefix(count))) }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? .nothing : .ended
  }

  /// From a non-blocking pipe.
  static func read(_ descriptor: FileDescriptor, atMost limit: Int = 65_536) -> Received {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = Glibc.read(descriptor.rawValue, &buffer, buffer.count)
    if count > 0 { return .bytes(Array(buffer.prefix(count))) }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? .nothing : .ended
  }

  /// The number of bytes that a socket took; `nil` if the connection is broken.
  static func send(_ descriptor: FileDescriptor, _ bytes: [UInt8]) -> Int? {
    let count = Glibc.send(descriptor.rawValue, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    if count >= 0 { return count }
    return [EAGAIN, EINTR].contains(errno) ? 0 : nil
  }
}
