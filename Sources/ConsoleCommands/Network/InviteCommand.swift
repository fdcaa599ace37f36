// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import ProcessSupport
import WireProtocol

/// The parent of `network invite` and the like.
struct NetworkCommand: DocumentedCommand {
  static let example = "network invite --role publisher"
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "Decide who belongs to a closed network.",
    discussion: """
      An index that other machines reach serves members only, unless it was started with --open. Where an index of yours \
      runs, these commands ask it directly, and --peer asks the index of a peer; elsewhere they go through your daemon to its \
      index, where your peer has to be an admin. Every member may list limits and claims, publishers also claim.
      """,
    subcommands: [
      InviteCommand.self, MembersCommand.self, RevokeCommand.self, BanCommand.self, UnbanCommand.self, BansCommand.self,
      ClaimCommand.self, AuditCommand.self, NetworkLimitsCommand.self,
    ])
}

struct InviteCommand: ConsoleCommand {
  static let example = "network invite --role publisher --uses 5 --expires 2d"
  static let configuration: CommandConfiguration = .verb(
    "invite", "Make a ticket: one line that lets its bearer join.",
    """
    Send the line to the owner of the other machine, who types p2pctl join LINE. Whoever has it can join, as often as it \
    has uses and until it expires. network members lists tickets that can still be used, and network revoke --ticket takes \
    one back.
    """)

  @Option(
    help: ArgumentHelp(
      "reader (looks up and gets), publisher (also adds), or admin (also decides who belongs).", valueName: "role"),
    transform: Self.role)
  var role = MemberRole.reader

  @Option(help: ArgumentHelp("How many peers may join by it.", valueName: "number"), transform: Self.uses)
  var uses = 1

  @Option(
    help: ArgumentHelp("When it expires: a number with m, h, d or w behind it. Default: 7d.", valueName: "time"),
    transform: { try TypedSpan($0) })
  var expires: TypedSpan?

  @Option(
    help: ArgumentHelp(
      "Where the index can be reached; may be repeated. Default: the addresses of its machine.", valueName: "host:port"),
    transform: { try Endpoint(destination: $0, defaultPort: Endpoint.defaultIndexPort) })
  var address: [Endpoint] = []

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if address.count > Ticket.maxAddresses {
      throw ValidationError("a ticket has at most \(Ticket.maxAddresses) addresses")
    }
  }

  private static func role(_ text: String) throws -> MemberRole {
    guard let role = MemberRole(rawValue: text) else { throw InvalidValue("expected reader, publisher or admin") }
    return role
  }

  private static func uses(_ text: String) throws -> Int { try TypedNumber.parse(text, in: 1...10_000) }

  func perform(on console: Console) throws -> ExitStatus {
    ProcessResources.leaveNoCoreDump()
    let reply: InviteReply = try NetworkClient(console: console, options: daemon).ask(
      .invite(
        InviteRequest(
          role: role, uses: uses, lifetime: expires?.seconds ?? InviteRequest.defaultLifetime, addresses: address)))
    if daemon.json {
      try console.writeJSON(reply.members)
      return .done
    }
    try console.writeLine(TextRules.escapedForTerminal(reply.ticket))
    let peers = reply.uses == 1 ? "one peer" : "\(reply.uses) peers"
    console.noteLine(
      "For \(peers) as \(reply.role.rawValue), until \(reply.expires). Whoever has this line can join: p2pctl join LINE"
    )
    console.noteLine(
      "It names \(reply.addresses.map { TextRules.escapedForTerminal($0.description) }.joined(separator: ", "))."
        + (address.isEmpty ? " If others reach the index elsewhere, use --address HOST:PORT." : ""))
    return .done
  }
}
