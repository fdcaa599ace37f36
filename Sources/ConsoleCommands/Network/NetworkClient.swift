// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import WireProtocol

/// Sends requests about the membership: to the control socket of an index that runs here, else through the daemon to the
/// index that it uses, where its peer needs the role.
struct NetworkClient {
  let console: Console
  let options: DaemonOptions

  /// - Parameter asPeer: whether the peer of the user asks, also on the machine of the index.
  func ask<Reply: WireReply>(
    _ request: MembershipRequest, asPeer: Bool = false, for type: Reply.Type = Reply.self
  ) throws -> Reply {
    if !asPeer || options.socket != nil, let path = localIndex,
      let reply = try askOperator(request, at: path, for: type)
    {
      return reply
    }
    return try DaemonClient(console: console, options: options).request(.network(request), for: type)
  }

  /// Asks for pages until one names no next, and hands each to `body`.
  ///
  /// - Parameters:
  ///   - request: for the page after a cursor; `nil` for the first one.
  ///   - next: the cursor of the page after this one.
  ///   - leads: whether the second cursor is further than the first.
  /// - Throws: if a cursor leads no further than the one before: such pages would not end.
  func pages<Reply: WireReply, Cursor>(
    _ request: (Cursor?) -> MembershipRequest, next: (Reply) -> Cursor?, leads: (Cursor, Cursor) -> Bool,
    _ body: (Reply) throws -> Void
  ) throws {
    var cursor: Cursor?
    repeat {
      let page: Reply = try ask(request(cursor))
      try body(page)
      let following = next(page)
      if let cursor, let following, !leads(cursor, following) {
        throw CommandFailure(.unavailable, "malformed reply from the index: its pages lead no further")
      }
      cursor = following
    } while cursor != nil
  }

  /// `nil` if a daemon is named, or no index runs here.
  private var localIndex: String? {
    // The socket of an index that was started by hand, or of a daemon.
    if let socket = options.socket { return try? console.absolutePath(socket, orFail: .usage) }
    guard options.peer == nil else { return nil }
    return console.environment.layouts.lazy.map(\.indexSocket).first { path in
      var status = stat()
      return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
  }

  /// - Returns: `nil` if the daemon should be asked: the caller is not the operator, or the index is gone.
  private func askOperator<Reply: WireReply>(
    _ request: MembershipRequest, at path: String, for type: Reply.Type
  ) throws -> Reply? {
    do {
      var connection = try ControlConnection.open(path, role: .index, timeout: console.helloTimeout)
      let reply = try connection.exchange(timeout: DaemonClient.timeout) {
        IndexRequest.membership(request).json(id: $0)
      }
      do {
        return try Reply(reply)
      } catch {
        throw ControlError.malformed(path, reason: error.message)
      }
    } catch let error as ControlError {
      switch error {
      case .noSocket, .refused, .notPermitted, .wrongRole: return nil
      default: throw CommandFailure(error, whom: "the index")
      }
    }
  }
}

/// An id as typed: the first hex digits of it, 8 or more.
struct TypedID: Equatable {
  let prefix: DigestPrefix

  init(_ text: String) throws(InvalidValue) {
    let digits = text.lowercased()
    guard digits.utf8.count >= MembershipRequest.fewestDigits, let prefix = DigestPrefix(hex: digits) else {
      throw InvalidValue("expected an id or its first \(MembershipRequest.fewestDigits) hex digits or more")
    }
    self.prefix = prefix
  }
}

/// A span of time as typed: `90m`, `12h`, `7d`, `2w`.
struct TypedSpan: Equatable {
  let seconds: Int64

  private static let units: [Character: Int64] = ["m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400]

  init(_ text: String) throws(InvalidValue) {
    guard let unit = text.last.flatMap({ Self.units[$0] }), text.utf8.count <= 8,
      text.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text.dropLast()), number > 0
    else { throw InvalidValue("expected a number with m, h, d or w behind it, such as 12h or 7d") }
    seconds = number * unit
  }
}
