// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct PeersCommand: ConsoleCommand {
  static let words = ["peers"]
  static let example = "peers --limit 20"
  static let configuration: CommandConfiguration = .verb("peers", "Show who is connected to the index.")

  @Option(help: ArgumentHelp("At most so many peers.", valueName: "number"))
  var limit: Int?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
  }

  func perform(on console: Console) throws -> ExitStatus {
    var table = Table(
      [Table.Column("PEER"), Table.Column("ID"), Table.Column("DOCUMENTS", .right), Table.Column("ADDRESS")],
      width: console.tableWidth, style: console.style)
    _ = try DaemonClient(console: console, options: daemon).request(.peers(limit: limit), for: ControlPeersReply.self) {
      guard case .peer(let peer) = $0 else { return }
      if daemon.json {
        try console.writeJSON(Self.members(of: peer))
      } else {
        try console.write(
          table.add([
            peer.name.text, String(peer.peer.hex.prefix(DocumentRows.rootPrefix)), String(peer.documents),
            Endpoint(host: peer.host, port: peer.port).description,
          ]))
      }
    }
    try console.write(table.finish())
    return .done
  }

  static func members(of peer: ConnectedPeer) -> JSONMembers {
    [
      "peer": .string(peer.name.text), "id": .string(peer.peer.hex), "host": .string(peer.host),
      "port": .integer(Int64(peer.port)), "documents": .integer(Int64(peer.documents)),
    ]
  }
}
