import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import WireProtocol

/// A peer that does not keep to what it announces.
final class Liar: Sendable {
  enum Habit: Sendable, CaseIterable {
    /// Accepts and says nothing.
    case silent
    /// Says hello with another id.
    case somebodyElse
    /// Gives hashes that belong to other bytes, and these bytes.
    case wrongHashes
    /// Gives the right hashes and wrong bytes.
    case wrongBytes
    /// Announces fewer bytes than were asked for, and sends them.
    case tooFew
    /// Sends more bytes than it announces.
    case tooMany
    /// Closes in the middle of a body.
    case closesInBody
    /// One byte of the body at a time.
    case trickle
    /// A header line without end.
    case endlessLine
    /// Answers that are no JSON.
    case garbage
    /// Claims not to have it.
    case denies
    /// Has only part of it.
    case partial
  }

  private let id: PeerID
  private let server: LineServer
  private let group: MultiThreadedEventLoopGroup
  private let link: Member
  private let told: LiarContent

  private init(id: PeerID, server: LineServer, group: MultiThreadedEventLoopGroup, link: Member, told: LiarContent) {
    self.id = id
    self.server = server
    self.group = group
    self.link = link
    self.told = told
  }

  static func start(_ swarm: Swarm, _ name: String, _ habit: Habit) async throws -> Liar {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let told = LiarContent()
    let id = Swarm.id(name)
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 65_536),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100)
    ) { _ in LyingRole(habit: habit, id: id, told: told) }
    let link = try await swarm.peer(name, port: UInt16(server.address?.port ?? 0))
    return Liar(id: id, server: server, group: group, link: link, told: told)
  }

  /// Announces bytes that it may or may not give.
  func claim(_ key: String, _ bytes: [UInt8]) async throws {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    guard let content = MerkleTree.content(leaves: leaves, size: Int64(bytes.count)) else { return }
    told.set(bytes, leaves)
    let document = Document(
      key: try DocumentKey(key), title: .empty, content: content, modified: Timestamp(seconds: 0))
    guard await link.link.announce([document]) else { throw RawConnection.Failure(description: "not announced") }
  }

  func end() async {
    await server.drain(within: .milliseconds(1))
    try? await group.shutdownGracefully()
  }
}
