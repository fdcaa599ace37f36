// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import WireProtocol

/// A peer that violates the protocol or its own announcements.
final class Liar: Sendable {
  enum Habit: Sendable, CaseIterable {
    /// Accepts and says nothing.
    case silent
    /// Says hello with another id.
    case somebodyElse
    /// Offers its bytes under the root of others.
    case wrongRoot
    /// Offers its bytes under the right root, with one byte more.
    case wrongSize
    /// Sends other bytes with their hashes.
    case wrongHashes
    /// Sends the right hashes and wrong bytes.
    case wrongBytes
    /// Announces and sends fewer bytes than requested.
    case tooFew
    /// Sends more bytes than it announces.
    case tooMany
    /// Closes in the middle of a body.
    case closesInBody
    /// One byte of the body at a time.
    case trickle
    /// A header line without end.
    case endlessLine
    /// The same, one byte at a time.
    case endlessTrickle
    /// Resets the connection in the middle of a body.
    case resetsInBody
    /// Answers `have` and nothing else.
    case promises
    /// Replies that are not JSON.
    case garbage
    /// Claims not to have it.
    case denies
    /// Has only part of it.
    case partial
  }

  /// The content that it announces.
  let id: PeerID
  private let habit: Habit
  private let listener: any Channel
  private let group: MultiThreadedEventLoopGroup
  private let link: Member
  private let told: LiarContent

  private init(
    id: PeerID, habit: Habit, listener: any Channel, group: MultiThreadedEventLoopGroup, link: Member, told: LiarContent
  ) {
    self.id = id
    self.habit = habit
    self.listener = listener
    self.group = group
    self.link = link
    self.told = told
  }

  static func start(_ swarm: Swarm, _ name: String, _ habit: Habit) async throws -> Liar {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let told = LiarContent()
    let id = Swarm.id(name)
    let listener = try await listen(group) { LyingRole(habit: habit, id: id, told: told) }
    let link = try await swarm.peer(name, port: UInt16(listener.localAddress?.port ?? 0))
    return Liar(id: id, habit: habit, listener: listener, group: group, link: link, told: told)
  }

  /// With a linger time of 0, `abort` resets the connection (socket(7)).
  private static func listen(
    _ group: MultiThreadedEventLoopGroup, _ makeRole: @escaping @Sendable () -> LyingRole
  ) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            LineHandler(role: makeRole(), limits: LineLimits(line: 65_536), eventLoop: channel.eventLoop))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  /// Announces bytes that it may or may not deliver.
  func claim(_ key: String, _ bytes: [UInt8]) async throws {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    guard let right = MerkleTree.content(leaves: leaves, size: Int64(bytes.count)) else { return }
    told.set(bytes, leaves)
    let content =
      switch habit {
      case .wrongRoot: Content(root: id.digest, size: right.size)
      case .wrongSize: Content(root: right.root, size: right.size + 1)
      default: right
      }
    guard let content else { return }
    let document = Document(
      key: try DocumentKey(key), title: .empty, content: content, modified: Timestamp(seconds: 0))
    guard await link.link.announce([document], in: .open) else {
      throw RawConnection.Failure(description: "not announced")
    }
  }

  func end() async {
    try? await listener.close().get()
    try? await group.shutdownGracefully()
  }
}
