// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import NIOSSL

/// How a client uses TLS.
package struct ClientTLS: Sendable {
  package let identity: TransportIdentity
  /// The only id that the server may have; `nil` for any.
  package let expected: PeerID?
  /// For the handshake; `nil` for as much as the connection had.
  package let timeout: TimeAmount?

  package init(_ identity: TransportIdentity, expected: PeerID?, timeout: TimeAmount? = nil) {
    self.identity = identity
    self.expected = expected
    self.timeout = timeout
  }
}

/// Why a connection by TLS has failed after it was made.
package enum TLSFailure: Error, Hashable, Sendable {
  /// The server has another id. It may be the right one: only a person can know.
  case otherPeer(expected: PeerID, found: PeerID)
  /// A line came instead of TLS, from anybody: what a supervisor answers for a server that is down, or a refusal.
  case plainReply(String)
  /// What came is neither TLS nor a line.
  case notTLS
  case timedOut
  /// The handshake failed, for the reason that the library gives.
  case handshake(String)
}

extension TLSFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .otherPeer(let expected, let found): "the server has the id \(found), expected \(expected)"
    case .plainReply: "the server answered without TLS"
    case .notTLS: "the server does not speak TLS"
    case .timedOut: "the TLS handshake was not completed in time"
    case .handshake(let reason): "the TLS handshake failed: \(reason)"
    }
  }
}

/// The client's side of a TLS connection.
final class ClientTLSLink: TLSLink {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// Change cipher spec, alert, handshake, application data: RFC 8446 section 5.1.
  private static let recordTypes: ClosedRange<UInt8> = 20...23
  /// The longest line that is read instead of TLS, in bytes.
  private static let maxLine = 4096

  private enum State {
    /// Nothing has arrived.
    case silent
    /// A line comes instead of TLS.
    case plain(ByteBuffer)
    case secure
    case closed
  }

  private let expected: PeerID?
  private let handshake: EventLoopPromise<Void>
  private var context: ChannelHandlerContext?
  private var state = State.silent
  private var timer: Scheduled<Void>?
  private var ssl: NIOSSLClientHandler?
  private var found: PeerID?
  private var isSettled = false
  private(set) var provenPeer: PeerID?

  /// - Parameter handshake: succeeds when the server has proven its id, fails with a `TLSFailure`.
  init(expected: PeerID?, handshake: EventLoopPromise<Void>) {
    self.expected = expected
    self.handshake = handshake
  }

  var writeLimit: Int { TLSChunk.large }

  /// Puts TLS into an empty pipeline, and the handler of lines behind it.
  func install(
    _ identity: TransportIdentity, before handler: any ChannelHandler, in channel: any Channel, timeout: TimeAmount
  ) throws {
    let ssl = try identity.clientHandler { [weak self] in self?.accepts($0) ?? false }
    self.ssl = ssl
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    timer = channel.eventLoop.scheduleTask(in: timeout) { bound.value.end(.timedOut) }
    try channel.pipeline.syncOperations.addHandlers([self, ssl, handler])
  }

  private func accepts(_ id: PeerID) -> Bool {
    found = id
    return expected == nil || id == expected
  }

  func completed() -> Bool {
    provenPeer = ssl?.provenPeer
    guard let provenPeer, accepts(provenPeer), !isSettled else { return false }
    settle()
    handshake.succeed()
    return true
  }

  func failed(_ error: any Error) {
    if let found, let expected, found != expected { return end(.otherPeer(expected: expected, found: found)) }
    end(.handshake("\(error)"))
  }

  func abort() {
    context?.close(mode: .all, promise: nil)
  }

  private func settle() {
    isSettled = true
    timer?.cancel()
    timer = nil
  }

  private func end(_ failure: TLSFailure) {
    if !isSettled {
      settle()
      handshake.fail(failure)
    }
    abort()
  }

  private func release() {
    state = .closed
    end(.handshake("the server closed the connection"))
    context = nil
    ssl = nil
  }

  // MARK: Events of the channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    release()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch state {
    case .secure: context.fireChannelRead(data)
    case .closed: break
    case .silent: receivedFirst(unwrapInboundIn(data), context)
    case .plain(var line):
      var bytes = unwrapInboundIn(data)
      line.writeBuffer(&bytes)
      receivedPlain(line)
    }
  }

  private func receivedFirst(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard let first = bytes.readableBytesView.first else { return }
    switch first {
    case Self.recordTypes:
      state = .secure
      context.fireChannelRead(wrapInboundOut(bytes))
    case UInt8(ascii: "{"): receivedPlain(bytes)
    default: end(.notTLS)
    }
  }

  private func receivedPlain(_ bytes: ByteBuffer) {
    let view = bytes.readableBytesView.prefix(Self.maxLine)
    if let end = view.firstIndex(of: UInt8(ascii: "\n")) {
      self.end(.plainReply(String(decoding: view[..<end], as: UTF8.self)))
    } else if bytes.readableBytes < Self.maxLine {
      state = .plain(bytes)
    } else {
      end(.notTLS)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    switch state {
    case .plain: context.read()
    case .silent, .secure, .closed: context.fireChannelReadComplete()
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
    switch state {
    case .silent: end(.handshake("the server closed the connection"))
    // A line that is cut off is none.
    case .plain: end(.notTLS)
    case .secure, .closed: context.fireUserInboundEventTriggered(event)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    release()
    context.fireChannelInactive()
  }
}
