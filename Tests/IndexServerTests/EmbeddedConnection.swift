// SPDX-License-Identifier: Apache-2.0

import IndexServer
import LineJSON
import LineTransport
import NIOCore
import NIOEmbedded
import WireProtocol

/// A connection to an index without a network, whose time the test moves.
final class EmbeddedConnection {
  private let channel = EmbeddedChannel()

  init(_ service: IndexService, from remote: String = "127.0.0.1", to local: String = "127.0.0.1") throws {
    let handler = LineHandler(
      role: IndexRole(service: service), limits: LineLimits(line: service.limits.line), eventLoop: channel.eventLoop)
    try channel.pipeline.syncOperations.addHandler(handler)
    try channel.connect(to: SocketAddress(ipAddress: remote, port: 50_000)).wait()
    channel.remoteAddress = try SocketAddress(ipAddress: remote, port: 50_000)
    channel.localAddress = try SocketAddress(ipAddress: local, port: 7734)
  }

  /// Sends a line and returns the lines that come back.
  @discardableResult
  func send(_ line: String) throws -> [JSONValue] {
    try send(raw: line + "\n")
  }

  func send(raw text: String) throws -> [JSONValue] {
    try send(bytes: Array(text.utf8))
  }

  func send(bytes: [UInt8]) throws -> [JSONValue] {
    var lines = try begin(bytes: bytes)
    // What takes long lets others have their turns in between.
    for _ in 0..<200 where lines.isEmpty {
      pass(LineLimits(line: 0).pause)
      lines = try written()
    }
    return lines
  }

  /// Sends bytes, and returns what comes back by the next turn.
  func begin(bytes: [UInt8]) throws -> [JSONValue] {
    try channel.writeInbound(ByteBuffer(bytes: bytes))
    pass(LineLimits(line: 0).pause)
    return try written()
  }

  /// Sends a line and returns the line that comes back.
  func ask(_ line: String) throws -> JSONValue {
    try send(line).first ?? .null
  }

  func written() throws -> [JSONValue] {
    var bytes = [UInt8]()
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += Array(buffer.readableBytesView) }
    return try bytes.split(separator: 0x0A).map { try Jansson.decode(Array($0)) }
  }

  var isOpen: Bool { channel.isActive }

  func close() throws {
    try channel.close().wait()
  }

  func pass(_ time: TimeAmount) {
    channel.embeddedEventLoop.advanceTime(by: time)
  }
}
