// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import PeerIdentity
import Synchronization
import TestSupport
import WireProtocol

/// An index that answers every look-up with what a test provides, or keeps out every peer that joins it. It has no documents
/// to list, and tells the first `list` to wait for a second.
final class ScriptedIndex: Sendable {
  /// Makes the answer to a look-up, without `id` and `status`.
  typealias Answer = @Sendable () -> [UInt8]

  private let server: LineServer
  private let group: MultiThreadedEventLoopGroup
  private let count: Count

  private init(server: LineServer, group: MultiThreadedEventLoopGroup, count: Count) {
    self.server = server
    self.group = group
    self.count = count
  }

  var endpoint: Endpoint { Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)) }
  /// The number of look-ups received.
  var lookups: Int { count.held.withLock { $0 } }
  /// The number of `list` requests received.
  var lists: Int { count.lists.withLock { $0 } }

  /// - Parameters:
  ///   - identity: its key, to be reached by TLS only; `nil` for a plain and open index.
  ///   - statedKey: the key that it states when a peer joins, to which it stays a stranger all the same; `nil` for an open
  ///     network.
  static func with(
    identity: PeerIdentity? = nil, statedKey: [UInt8]? = [], answer: @escaping Answer = { [] },
    _ body: (ScriptedIndex) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let count = Count()
    let key = identity == nil ? nil : statedKey.map { Base64URL.encode($0) }
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 65_536),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100),
      tls: identity.map { TLSOffer(try TransportIdentity($0), plain: .never) }
    ) { _ in ScriptedIndexRole(answer: answer, statedKey: key, count: count) }
    let index = ScriptedIndex(server: server, group: group, count: count)
    do { try await body(index) } catch {
      await index.end()
      throw error
    }
    await index.end()
  }

  private func end() async {
    await server.drain(within: .milliseconds(1))
    try? await group.shutdownGracefully()
  }

  /// The members of an answer that names these holders of one content.
  static func contents(_ content: Content, total: Int? = nil, _ holders: [Holder]) -> [UInt8] {
    var output = JSONWriter()
    output.beginObject()
    output.member("key", "file/x")
    output.key("contents")
    output.beginArray()
    output.beginObject()
    ContentListing(
      content: content, title: .empty, modified: Timestamp(seconds: 0), total: total ?? holders.count, holders: holders
    ).write(to: &output)
    output.endObject()
    output.endArray()
    output.member("more", 0)
    return Array(output.bytes.dropFirst())
  }
}

private final class Count: Sendable {
  let held = Mutex(0)
  let lists = Mutex(0)

  func isFirstList() -> Bool {
    lists.withLock { count in
      count += 1
      return count == 1
    }
  }
}

private final class ScriptedIndexRole: LineRole {
  private let answer: ScriptedIndex.Answer
  private let statedKey: String?
  private let count: Count

  init(answer: @escaping ScriptedIndex.Answer, statedKey: String?, count: Count) {
    self.answer = answer
    self.statedKey = statedKey
    self.count = count
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let request = try? LineScratch.current.reader.read(line) {
      (try $0.requestID(), try IndexRequest($0, batchLimit: 1000))
    }
    guard let (id, request) = request else { return .close }
    if case .list = request, count.isFirstList() {
      output.bytes += Array(#"{"id":\#(id),"status":429,"error":"too-many","message":"wait","retry_after":1}"#.utf8)
      output.bytes.append(0x0A)
      return .next
    }
    output.bytes += Array(#"{"id":\#(id),"status":200,"#.utf8)
    // In a closed network every peer stays a stranger, whatever it was told.
    let role = statedKey == nil ? "" : #""role":"none","#
    switch request {
    case .hello: output.bytes += Array(#"\#(role)"server":"x","host":"127.0.0.1","limits":{}}"#.utf8)
    case .membership(.join):
      output.bytes += Array(#""role":"publisher","key":"\#(statedKey ?? "")"}"#.utf8)
    case .lookup:
      count.held.withLock { $0 += 1 }
      output.bytes += answer() + Array("}".utf8)
    case .list: output.bytes += Array(#""documents":[]}"#.utf8)
    case .add(let documents): output.bytes += Array(#""added":\#(documents.count)}"#.utf8)
    default: output.bytes += Array(#"\#(role)"removed":0}"#.utf8)
    }
    output.bytes.append(0x0A)
    return .next
  }
}
