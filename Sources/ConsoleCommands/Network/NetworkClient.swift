// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import WireProtocol

/// Sends requests about the membership: to the control socket of an index that runs here, else through the daemon to the
/// index that it uses, where its peer needs the role.
final class NetworkClient {
  /// The daemon of the user need not run, and is only asked what it knows.
  private static let statusTimeout = Duration.seconds(1)

  let console: Console
  let options: DaemonOptions
  /// The peer of the user, if the options select none.
  private lazy var ownPeer: Result<ControlStatusReply, any Error>? =
    options.socket == nil
    ? Result {
      try DaemonClient(console: console, options: options, offersStart: false, explains: false)
        .request(.status, timeout: Self.statusTimeout)
    } : nil
  private var hasSaidWhich = false

  init(console: Console, options: DaemonOptions) {
    self.console = console
    self.options = options
  }

  func ask<Reply: WireReply>(_ request: MembershipRequest, for type: Reply.Type = Reply.self) throws -> Reply {
    guard let path = localIndex, var index = try openIndex(at: path) else {
      return try DaemonClient(console: console, options: options).request(.network(request), for: type)
    }
    let otherPeer = index.greeting.peer.flatMap(peerElsewhere)
    let request = try forOwnPeer(request, of: index.greeting.peer, otherPeer)
    do {
      let reply: Reply = try exchange(request, on: &index)
      if let otherPeer, !hasSaidWhich, !options.json {
        Self.which(otherPeer, index.greeting.peer).forEach(console.noteLine)
      }
      hasSaidWhich = true
      return reply
    } catch var failure as CommandFailure {
      if let otherPeer, !hasSaidWhich { failure.details += Self.which(otherPeer, index.greeting.peer) }
      throw failure
    }
  }

  // MARK: Two networks

  /// The peer of the user, if it is in another network than that of the index here.
  private func peerElsewhere(than network: PeerID) -> ControlStatusReply? {
    // The index of a closed network has always proven its id. One that was chosen and never reached is not that of here.
    (try? ownPeer?.get()).flatMap { peer in
      (peer.index.id.map { $0 != network } ?? (peer.index.connected || peer.index.source == .connect)) ? peer : nil
    }
  }

  /// The operator of an index shares nothing: it claims for the peer of the user.
  private func forOwnPeer(
    _ request: MembershipRequest, of network: PeerID?, _ otherPeer: ControlStatusReply?
  ) throws -> MembershipRequest {
    guard case .claim(let claim) = request, let prefix = claim.prefix, claim.change == .own, claim.peer == nil else {
      return request
    }
    let command = "p2pctl network claim \(ShellWords.escaped(prefix, in: nil))"
    if let otherPeer {
      throw CommandFailure(
        .usage, "an index runs here, and peer \(otherPeer.name) is in the network of another one",
        [
          "the index here: \(network?.hex ?? "")",
          "that of peer \(otherPeer.name): \(Self.text(of: otherPeer.index))",
          "To claim there: \(command) --peer \(otherPeer.name)",
          "To claim here, for a publisher of this network: \(command) --for ID",
        ].map(TextRules.escapedForTerminal))
    }
    // Where none can be meant, the index says that an owner has to be named.
    guard let ownPeer else { return request }
    do {
      return .claim(ClaimRequest(prefix: prefix, peer: DigestPrefix(try ownPeer.get().peer.digest)))
    } catch var failure as CommandFailure where !failure.message.isEmpty {
      let hint = "Without an answer of the peer, its id is unknown. To name the owner: \(command) --for ID"
      failure.details.append(TextRules.escapedForTerminal(hint))
      throw failure
    }
  }

  /// Which index was asked, where there are two.
  private static func which(_ peer: ControlStatusReply, _ network: PeerID?) -> [String] {
    [
      "The index of this machine was asked: \(network.map(shortID) ?? "").",
      "Peer \(peer.name) uses \(text(of: peer.index)): --peer \(peer.name) asks that one.",
    ].map(TextRules.escapedForTerminal)
  }

  private static func text(of index: IndexState) -> String {
    (index.id.map { "\(shortID($0)) at " } ?? "") + index.address.description
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
  private func openIndex(at path: String) throws(CommandFailure) -> ControlConnection? {
    do throws(ControlError) {
      return try ControlConnection.open(path, role: .index, timeout: console.helloTimeout)
    } catch {
      switch error {
      case .noSocket, .refused, .notPermitted, .wrongRole: return nil
      default: throw CommandFailure(error, whom: "the index")
      }
    }
  }

  private func exchange<Reply: WireReply>(
    _ request: MembershipRequest, on index: inout ControlConnection
  ) throws -> Reply {
    do {
      let reply = try index.exchange(timeout: DaemonClient.timeout) { IndexRequest.membership(request).json(id: $0) }
      do throws(WireFailure) {
        return try Reply(reply)
      } catch {
        throw ControlError.malformed(index.path, reason: error.message)
      }
    } catch let error as ControlError {
      throw CommandFailure(error, whom: "the index")
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
