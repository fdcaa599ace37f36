// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct ClaimCommand: ConsoleCommand {
  static let example = "network claim data/cats/ --allow 3f9a01bc"
  static let configuration: CommandConfiguration = .verb(
    "claim", "Claim the keys below a prefix, or list the claims.",
    """
    From then on only the owner of the prefix, and those whom it names, bring documents below it into the network; others \
    share on what these share. The first who asks has it; an admin may change it. It does not reach what others have \
    claimed below it before. Who is denied, and everybody whom that one let in, loses what it claimed below it.
    """)

  @Argument(
    help: ArgumentHelp("The beginning of keys, ending in /. Without it, lists all claims.", valueName: "prefix"))
  var prefix: String?

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("Make this peer the owner instead of yours: for admins.", valueName: "id"),
    transform: { try TypedID($0) })
  var owner: TypedID?

  @Option(
    help: ArgumentHelp("Let this peer bring documents there, too.", valueName: "id"), transform: { try TypedID($0) })
  var allow: TypedID?

  @Option(help: ArgumentHelp("Let this peer do so no longer.", valueName: "id"), transform: { try TypedID($0) })
  var deny: TypedID?

  @Flag(help: "Give the prefix up.")
  var release = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    let changes = [owner, allow, deny].count { $0 != nil } + (release ? 1 : 0)
    guard changes <= 1 else { throw ValidationError("--for, --allow, --deny and --release exclude each other") }
    guard let prefix else {
      if changes > 0 { throw ValidationError("the prefix is missing") }
      return
    }
    guard prefix.endsInSlash, (try? DocumentKey(normalizing: prefix + "1")) != nil else {
      throw ValidationError("expected the beginning of keys that ends in /, such as data/cats/")
    }
  }

  private var request: ClaimRequest {
    let prefix = prefix.map(TextRules.normalized)
    if let allow { return ClaimRequest(prefix: prefix, change: .allow, peer: allow.prefix) }
    if let deny { return ClaimRequest(prefix: prefix, change: .deny, peer: deny.prefix) }
    return ClaimRequest(prefix: prefix, change: release ? .release : .own, peer: owner?.prefix)
  }

  func perform(on console: Console) throws -> ExitStatus {
    let client = NetworkClient(console: console, options: daemon)
    guard prefix == nil else {
      let reply: ClaimsReply = try client.ask(.claim(request))
      if let claim = reply.claims.first {
        if daemon.json {
          try console.writeJSON(claim.members)
        } else {
          try console.writeLine(TextRules.escapedForTerminal(Self.text(of: claim)))
        }
      } else if !daemon.json {
        try console.writeLine(TextRules.escapedForTerminal("\(prefix ?? "") released"))
      }
      return .done
    }
    return try list(client, on: console)
  }

  private func list(_ client: NetworkClient, on console: Console) throws -> ExitStatus {
    var table = Table(
      [
        Table.Column("PREFIX"), Table.Column("OWNER", rank: 7), Table.Column("ALSO", rank: 4),
        Table.Column("SINCE", rank: 3),
      ],
      width: console.tableWidth, style: console.style)
    try client.pages { after in
      .claim(ClaimRequest(after: after))
    } next: {
      $0.next
    } leads: {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    } _: { (page: ClaimsReply) in
      for claim in page.claims {
        if daemon.json {
          try console.writeJSON(claim.members)
        } else {
          try console.write(
            table.add([
              claim.prefix, shortID(claim.owner), claim.allowed.map(shortID).joined(separator: ","), claim.since.text,
            ]))
        }
      }
    }
    try console.write(table.finish())
    return .done
  }

  private static func text(of claim: ClaimListing) -> String {
    "\(claim.prefix) belongs to \(shortID(claim.owner))"
      + (claim.allowed.isEmpty ? "" : ", which allows \(claim.allowed.map(shortID).joined(separator: ", "))")
  }
}
