// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct MembersCommand: ConsoleCommand {
  static let example = "network members"
  static let configuration: CommandConfiguration = .verb(
    "members", "List the members, and the tickets that can still be used.",
    """
    BY is who made the ticket that gave a member its role, or who made a ticket. The peers of the index's own supervisor \
    are publishers without having joined: they have neither this nor a date.
    """)

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let client = NetworkClient(console: console, options: daemon)
    var table = Table(
      [
        Table.Column("ID"), Table.Column("PEER", rank: 6), Table.Column("ROLE", rank: 7),
        Table.Column("SINCE", rank: 3), Table.Column("BY", rank: 2), Table.Column("SESSIONS", .right, rank: 4),
      ],
      width: console.tableWidth, style: console.style)
    var tickets: [TicketListing] = []
    try client.pages { after in
      .members(PageRequest(after: after))
    } next: {
      $0.next
    } leads: {
      $0 < $1
    } _: { (page: MembersReply) in
      for member in page.members {
        if daemon.json {
          try console.writeJSON(Self.members(of: member))
        } else {
          try console.write(table.add(Self.cells(of: member)))
        }
      }
      // Those of the first page: others name none.
      tickets += page.tickets
    }
    try console.write(table.finish())
    try show(tickets, on: console)
    return .done
  }

  private func show(_ tickets: [TicketListing], on console: Console) throws {
    if daemon.json {
      for ticket in tickets { try console.writeJSON(Self.members(of: ticket)) }
      return
    }
    guard !tickets.isEmpty else { return }
    var table = Table(
      [
        Table.Column("TICKET"), Table.Column("ROLE", rank: 7), Table.Column("USES LEFT", .right, rank: 6),
        Table.Column("EXPIRES", rank: 4), Table.Column("BY", rank: 3),
      ],
      width: console.tableWidth, style: console.style)
    try console.writeLine("")
    for ticket in tickets {
      try console.write(
        table.add([
          ticket.number, ticket.role.rawValue, "\(ticket.left) of \(ticket.uses)", ticket.expires.text,
          maker(ticket.by),
        ]))
    }
    try console.write(table.finish())
  }

  private static func cells(of member: MemberListing) -> [String] {
    [
      shortID(member.peer), member.name?.text ?? "", member.role.rawValue, member.since?.text ?? "",
      member.since == nil ? "" : maker(member.by), "\(member.sessions)",
    ]
  }

  static func members(of member: MemberListing) -> JSONMembers {
    var row: JSONMembers = ["id": .string(member.peer.hex), "role": .string(member.role.rawValue)]
    if let name = member.name { row["peer"] = .string(name.text) }
    if let since = member.since { row["since"] = .string(since.text) }
    if let by = member.by { row["by"] = .string(by.hex) }
    row["sessions"] = .integer(Int64(member.sessions))
    return row
  }

  static func members(of ticket: TicketListing) -> JSONMembers {
    var row: JSONMembers = [
      "ticket": .string(ticket.number), "role": .string(ticket.role.rawValue), "left": .integer(Int64(ticket.left)),
      "uses": .integer(Int64(ticket.uses)), "expires": .string(ticket.expires.text),
    ]
    if let by = ticket.by { row["by"] = .string(by.hex) }
    return row
  }
}

/// As lists show ids: long enough to be typed into another command.
func shortID(_ peer: PeerID) -> String { String(peer.hex.prefix(16)) }

/// Of a ticket, for lists.
private func maker(_ peer: PeerID?) -> String { peer.map(shortID) ?? "operator" }

struct RevokeCommand: ConsoleCommand {
  static let example = "network revoke 3f9a01bc"
  static let configuration: CommandConfiguration = .verb(
    "revoke", "End a membership, or take a ticket back.",
    """
    The index ends the member's sessions at once. Other peers honour its last pass until that ends, for ten minutes at \
    most, or an hour more ([network] grace) while they cannot reach the index. Tickets that the member made are taken back, \
    its claims stay. It may join again with a new ticket; network ban prevents that. Whom its tickets let in before stays: \
    network members shows them.
    """)

  @Argument(help: ArgumentHelp("The id of the member, or its first 8 digits or more.", valueName: "id"))
  var id: String?

  @Option(help: ArgumentHelp("Take the ticket of this number back instead.", valueName: "number"))
  var ticket: String?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    guard (id == nil) != (ticket == nil) else { throw ValidationError("specify either an id or --ticket") }
    do { _ = try request } catch let error as InvalidValue { throw ValidationError(error.reason) }
  }

  private var request: MembershipRequest {
    get throws {
      if let ticket { return .withdraw(try TypedID(ticket).prefix) }
      return .revoke(try TypedID(id ?? "").prefix)
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    let reply: AffectedReply = try NetworkClient(console: console, options: daemon).ask(try request)
    try reply.report(reply.number == nil ? "membership of" : "ticket", "revoked", daemon, on: console)
    return .done
  }
}

extension AffectedReply {
  /// - Parameters:
  ///   - what: precedes the id or number.
  ///   - verb: what has happened to it.
  fileprivate func report(
    _ what: String, _ verb: String, _ options: DaemonOptions, on console: Console
  ) throws {
    if options.json {
      var row: JSONMembers = [:]
      if let peer { row["id"] = .string(peer.hex) }
      if let number { row["ticket"] = .string(number) }
      if isOwn { row["own"] = .bool(true) }
      if withdrawn > 0 { row["withdrawn"] = .integer(Int64(withdrawn)) }
      if claims > 0 { row["claims"] = .integer(Int64(claims)) }
      if !tickets.isEmpty { row["tickets"] = .array(tickets.map { .object(MembersCommand.members(of: $0)) }) }
      return try console.writeJSON(row)
    }
    let name = peer?.hex ?? number ?? ""
    try console.writeLine(TextRules.escapedForTerminal("\(what) \(name) \(verb)"))
    if withdrawn > 0 {
      try console.writeLine("\(withdrawn == 1 ? "one ticket" : "\(withdrawn) tickets") of its making taken back")
    }
    if isOwn {
      console.noteLine(
        "The supervisor of the index runs this peer: it is a publisher without any membership, and after a ban under a "
          + "new key. To keep it out, remove it from that supervisor: [peers.NAME] in its configuration, or --peer NAME"
      )
    }
    if claims > 0 {
      console.noteLine(
        "\(Quantity.count(claims, "claim")) of the peer \(claims == 1 ? "stays and keeps" : "stay and keep") others out. "
          + "List them with p2pctl network claim, end one with p2pctl network claim PREFIX --release")
    }
    for ticket in tickets {
      console.noteLine(
        TextRules.escapedForTerminal(
          "The peer knows ticket \(ticket.number), by which others can still join as \(ticket.role.rawValue) "
            + "(uses left: \(ticket.left)). Take it back with: p2pctl network revoke --ticket \(ticket.number)"))
    }
  }
}

struct BanCommand: ConsoleCommand {
  static let example = "network ban 3f9a01bc --reason 'publishes what is not its own'"
  static let configuration: CommandConfiguration = .verb(
    "ban", "Turn a peer away, member or not.",
    """
    No ticket lets it join, and those that it made are taken back; its claims stay. A peer that is neither a member nor \
    connected is named by its whole id. A peer of the index's own supervisor belongs again under a new key: remove it there.
    """)

  @Argument(
    help: ArgumentHelp("The id of the peer, or its first 8 digits or more.", valueName: "id"),
    transform: { try TypedID($0) })
  var id: TypedID

  @Option(help: ArgumentHelp("Why, for the list and the log.", valueName: "text"), transform: Self.reason)
  var reason: String?

  @OptionGroup var daemon: DaemonOptions

  private static func reason(_ text: String) throws -> String {
    let text = TextRules.normalized(text)
    guard text.utf8.count <= MembershipRequest.maxReason, (try? Title(text)) != nil else {
      throw InvalidValue("expected at most \(MembershipRequest.maxReason) bytes without control characters")
    }
    return text
  }

  func perform(on console: Console) throws -> ExitStatus {
    let reply: AffectedReply = try NetworkClient(console: console, options: daemon).ask(.ban(id.prefix, reason: reason))
    try reply.report("peer", "banned", daemon, on: console)
    return .done
  }
}

struct UnbanCommand: ConsoleCommand {
  static let example = "network unban 3f9a01bc"
  static let configuration: CommandConfiguration = .verb(
    "unban", "End a ban.", "The peer needs a new ticket to become a member again.")

  @Argument(
    help: ArgumentHelp("The id of the peer, or its first 8 digits or more.", valueName: "id"),
    transform: { try TypedID($0) })
  var id: TypedID

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let reply: AffectedReply = try NetworkClient(console: console, options: daemon).ask(.unban(id.prefix))
    try reply.report("peer", "no longer banned", daemon, on: console)
    return .done
  }
}

struct BansCommand: ConsoleCommand {
  static let example = "network bans"
  static let configuration: CommandConfiguration = .verb("bans", "List the peers that are turned away.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let client = NetworkClient(console: console, options: daemon)
    var table = Table(
      [Table.Column("ID"), Table.Column("SINCE", rank: 6), Table.Column("REASON", isFlexible: true)],
      width: console.tableWidth, style: console.style)
    try client.pages { after in
      .bans(PageRequest(after: after))
    } next: {
      $0.next
    } leads: {
      $0 < $1
    } _: { (page: BansReply) in
      for ban in page.bans {
        if daemon.json {
          var row: JSONMembers = ["id": .string(ban.peer.hex), "since": .string(ban.since.text)]
          if let reason = ban.reason { row["reason"] = .string(reason) }
          try console.writeJSON(row)
        } else {
          try console.write(table.add([shortID(ban.peer), ban.since.text, ban.reason ?? ""]))
        }
      }
    }
    try console.write(table.finish())
    return .done
  }
}
