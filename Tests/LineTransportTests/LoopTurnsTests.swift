// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineTransport
import NIOCore
import NIOPosix
import Testing

/// Work that goes on by itself, beside the sockets of the same event loop.
@Suite struct LoopTurnsTests {
  private static let turnsAtMost = 3000
  private static let bytes = 20

  /// Touched on the event loop only.
  private final class Scene {
    var turns = 0
    /// The turn in which a byte was sent that has not arrived.
    var sentAt: Int?
    /// Turns between sending and arriving.
    var gaps: [Int] = []

    var isOver: Bool { gaps.count >= LoopTurnsTests.bytes || turns >= LoopTurnsTests.turnsAtMost }
  }

  private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let scene: Scene
    init(_ scene: Scene) { self.scene = scene }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard let sentAt = scene.sentAt.take() else { return }
      scene.gaps.append(scene.turns - sentAt)
    }
  }

  /// Turns that are always due must not keep the loop from looking at its sockets between two rounds.
  @Test(.timeLimit(.minutes(1))) func `loop looks at its sockets after each round of turns`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let (inner, outer) = (ends[0], ends[1])
    defer { close(outer) }
    let scene = try await loop.submit { NIOLoopBound(Scene(), eventLoop: loop) }.get()
    let channel = try await ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Reader(scene.value))
        }
      }
      .withConnectedSocket(inner).get()
    let ended = loop.makePromise(of: [Int].self)
    loop.execute {
      let turns = LoopTurns(of: loop, pause: .microseconds(100))
      for _ in 0..<3 {
        turns.take {
          let scene = scene.value
          scene.turns += 1
          if scene.sentAt == nil {
            scene.sentAt = scene.turns
            _ = write(outer, "x", 1)
          }
          // Longer than the pause between rounds.
          let end = NIODeadline.now() + .microseconds(300)
          while NIODeadline.now() < end {}
          if scene.isOver { ended.succeed(scene.gaps) }
          return !scene.isOver
        }
      }
    }
    let gaps = try await ended.futureResult.get()
    try? await channel.close().get()
    try await group.shutdownGracefully()
    #expect(gaps.count >= Self.bytes)
    // A round has four such turns at most. A thread that is put aside between two rounds finds the next one due.
    #expect(gaps.count { $0 <= 4 } * 2 > gaps.count, "\(gaps)")
  }

  @Test func `each waits for the turns of those who came before`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let order = try await loop.flatSubmit {
      let turns = LoopTurns(of: loop, pause: .microseconds(100))
      let ended = loop.makePromise(of: [Int].self)
      var order = [Int]()
      for number in 0..<3 {
        var left = 3
        turns.take {
          order.append(number)
          left -= 1
          if order.count == 9 { ended.succeed(order) }
          return left > 0
        }
      }
      return ended.futureResult
    }.get()
    #expect(order == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    try await group.shutdownGracefully()
  }
}
