// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import Synchronization
import WireProtocol

/// The bytes that a liar announces, and their leaves.
final class LiarContent: Sendable {
  private let held = Mutex<(bytes: [UInt8], leaves: [UInt8])>(([], []))

  func set(_ bytes: [UInt8], _ leaves: [UInt8]) {
    held.withLock { $0 = (bytes, leaves) }
  }

  var bytes: [UInt8] { held.withLock { $0.bytes } }
  var leaves: [UInt8] { held.withLock { $0.leaves } }
}

/// Behaves like an honest peer except for one habit. Supports contents of at most 512 blocks.
final class LyingRole: LineRole {
  private let habit: Liar.Habit
  private let id: PeerID
  private let told: LiarContent
  private var connection: (any LineConnection)?
  private var trickle: RepeatedTask?

  init(habit: Liar.Habit, id: PeerID, told: LiarContent) {
    self.habit = habit
    self.id = id
    self.told = told
  }

  func opened(_ connection: any LineConnection) {
    self.connection = connection
  }

  func closed() {
    trickle?.cancel()
    connection = nil
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let request = try? LineScratch.current.reader.read(line) { (try $0.requestID(), try PeerRequest($0)) }
    guard let (number, request) = request, habit != .silent else { return .next }
    switch habit {
    case .garbage:
      output.bytes += Array("here you are\n".utf8)
      return .next
    case .endlessLine:
      output.bytes += Array("{\"id\":1,".utf8) + [UInt8](repeating: 0x20, count: 1 << 20)
      return .next
    case .endlessTrickle:
      drip(Array("{\"id\":1,".utf8) + [UInt8](repeating: 0x20, count: 1 << 20))
      return .busy
    default: return answer(request, number, &output)
    }
  }

  private func answer(_ request: PeerRequest, _ number: Int64, _ output: inout JSONWriter) -> LineVerdict {
    switch request {
    case .hello, .pass: hello(number, &output)
    case .have: return have(number, &output)
    case .hashes(_, let query): hashes(query, number, &output)
    case .get(_, let offset, let length): return get(Int(offset), Int(length), number, &output)
    }
    return .next
  }

  private func hello(_ number: Int64, _ output: inout JSONWriter) {
    output.beginReply(id: number)
    output.member("peer", habit == .somebodyElse ? PeerID(digest: .zero) : id)
    output.member("name", "liar")
    output.key("limits")
    output.beginObject()
    output.endObject()
    output.endReply()
  }

  private func have(_ number: Int64, _ output: inout JSONWriter) -> LineVerdict {
    if habit == .denies {
      WireFailure(.notFound, "never heard of it").write(id: number, to: &output)
      return .next
    }
    output.beginReply(id: number)
    output.member("piece", PieceGeometry.smallestPiece)
    output.member("complete", habit != .partial)
    if habit == .partial {
      let count = Int(PieceGeometry(size: Int64(told.bytes.count)).pieceCount)
      output.member("pieces", PieceSet(count: count).base64)
    }
    output.endReply()
    return .next
  }

  private func hashes(_ query: HashesQuery, _ number: Int64, _ output: inout JSONWriter) {
    var nodes = told.leaves + [UInt8](repeating: 0, count: Int(query.length) * 32 - told.leaves.count)
    if habit == .wrongHashes { nodes[0] ^= 1 }
    output.beginReply(id: number)
    output.member("hashes", query.length)
    output.endReply()
    output.bytes += nodes
  }

  private func get(_ offset: Int, _ length: Int, _ number: Int64, _ output: inout JSONWriter) -> LineVerdict {
    if habit == .promises { return .busy }
    // Beyond the end of its bytes it invents some.
    var bytes = Array((told.bytes + [0])[offset..<offset + length])
    if habit == .wrongBytes { bytes[length - 1] ^= 1 }
    if habit == .tooFew { bytes.removeLast() }
    output.beginReply(id: number)
    output.member("offset", offset)
    output.member("length", bytes.count)
    output.endReply()
    switch habit {
    case .tooMany:
      output.bytes += bytes + [1, 2, 3]
    case .closesInBody:
      output.bytes += bytes.prefix(length / 2)
      return .close
    case .resetsInBody:
      output.bytes += bytes.prefix(length / 2)
      reset()
      return .busy
    case .trickle:
      drip(bytes)
      return .busy
    default: output.bytes += bytes
    }
    return .next
  }

  /// Closes after everything written has left; the socket options turn this into a reset.
  private func reset() {
    guard let connection else { return }
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    connection.eventLoop.scheduleTask(in: .milliseconds(20)) { bound.value.abort() }
  }

  private func drip(_ bytes: [UInt8]) {
    guard let connection else { return }
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    let next = Mutex(0)
    trickle = connection.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
      let index = next.withLock { next in
        defer { next += 1 }
        return next
      }
      guard index < bytes.count else { return task.cancel() }
      bound.value.send { $0.bytes.append(bytes[index]) }
    }
  }
}
