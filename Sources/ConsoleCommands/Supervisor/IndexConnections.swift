// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupervision
import ProcessSupport
import WireProtocol

/// The connections of running peers to their indexes, as sentences: the end of `supervisor start`.
enum IndexConnections {
  private static let timeout = Duration.seconds(5)

  /// One line for each different state. Asks the peers.
  static func lines(of processes: [ProcessStatus], in layout: Layout, on console: Console) throws -> [String] {
    var states: [(names: [String], text: String)] = []
    let peers = processes.filter { $0.role == .peer }
    for peer in peers where peer.state == ProcessState.ready.rawValue {
      let text = try state(of: peer, in: layout, on: console)
      if let same = states.firstIndex(where: { $0.text == text }) {
        states[same].names.append(peer.name)
      } else {
        states.append(([peer.name], text))
      }
    }
    if peers.isEmpty {
      let addresses = processes.filter { $0.role == .index }.map(\.address)
      return addresses.map { "The index listens at \(TextRules.escapedForTerminal($0)). No peer runs here." }
    }
    return states.map { TextRules.escapedForTerminal("\($0.names.joined(separator: ", ")): \($0.text)") }
  }

  private static func state(of peer: ProcessStatus, in layout: Layout, on console: Console) throws -> String {
    guard let name = try? PeerName(peer.name) else { return "unknown" }
    do throws(ControlError) {
      var connection = try ControlConnection.open(
        layout.controlSocket(of: name), role: .peer, timeout: console.helloTimeout)
      let reply = try status(&connection)
      return text(of: reply.index)
    } catch {
      if error == .interrupted { throw error }
      return "does not say whether it has reached its index: \(CommandFailure(error, whom: "it").message)"
    }
  }

  private static func status(_ connection: inout ControlConnection) throws(ControlError) -> ControlStatusReply {
    do {
      return try connection.request(.status, for: ControlStatusReply.self, timeout: timeout)
    } catch let error as ControlError {
      throw error
    } catch {
      throw .malformed(connection.path, reason: "\(error)")
    }
  }

  /// `connected to the index at 127.0.0.1:7734`
  static func text(of index: IndexState) -> String {
    let chosen = index.source == .connect
    let origin =
      chosen ? " (chosen with connect; the one of the flags or the configuration: p2pctl connect --default)" : ""
    guard !index.connected else { return "connected to the index at \(index.address)\(origin)" }
    let reason = index.error.map { ": \($0)" } ?? ""
    return "NOT connected to the index at \(index.address)\(origin)\(reason); retrying. "
      + "Use another with: p2pctl connect HOST[:PORT]"
  }
}
