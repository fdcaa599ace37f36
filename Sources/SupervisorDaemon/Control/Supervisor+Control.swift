// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupervision
import WireProtocol

/// Requests of front ends.
extension Supervisor {
  func serve(_ identifier: Int, event: PollSet<Source>.Event) {
    if event.isReadable, !clients.receive(identifier, now: .now) { return clients.close(identifier) }
    while let request = clients[identifier]?.session.nextRequest(now: .now) { carryOut(request, for: identifier) }
    clients.flush(identifier)
  }

  private func carryOut(_ request: SupervisorRequest, for identifier: Int) {
    switch request.operation {
    case .hello: break  // The session answers it.
    case .status: sendStatus(to: identifier, request)
    case .start(let name): command(name, for: identifier, request) { $0.start(name, now: .now) }
    case .restart(let name): command(name, for: identifier, request) { $0.restart(name, now: .now) }
    case .stop(let name?): command(name, for: identifier, request) { $0.stop(name, now: .now) }
    case .stop(nil):
      log.write("stop requested: stopping all processes")
      clients[identifier]?.session.await(request)
      perform(fleet.end(now: .now))
    case .wait:
      clients[identifier]?.session.await(request)
    case .reload:
      clients[identifier]?.session.reply(reloaded(), to: request.id)
    }
  }

  private func reloaded() -> SupervisorReply {
    do throws(SupervisorError) {
      let change = try reload()
      return .reloaded(applied: change.applied, postponed: change.postponed)
    } catch {
      return .failure(WireFailure(.usage, error.message))
    }
  }

  private func command(
    _ name: String?, for identifier: Int, _ request: SupervisorRequest, _ change: (inout Fleet) -> [Fleet.Step]
  ) {
    if let name, fleet.member(name) == nil {
      let names = fleet.members.map(\.name).joined(separator: ", ")
      let failure = WireFailure(.notFound, "no process is named \(name); processes: \(names.isEmpty ? "none" : names)")
      clients[identifier]?.session.reply(.failure(failure), to: request.id)
      return
    }
    guard !fleet.isEnding else {
      let failure = WireFailure(.unavailable, "the supervisor is stopping")
      clients[identifier]?.session.reply(.failure(failure), to: request.id)
      return
    }
    perform(change(&fleet))
    clients[identifier]?.session.reply(.done, to: request.id)
  }

  /// Answers pending `wait` and `stop` requests that are now fulfilled.
  func answerWaiting() {
    for identifier in clients.identifiers {
      guard let request = clients[identifier]?.session.awaited else { continue }
      switch request.operation {
      case .wait where fleet.isSettled:
        clients[identifier]?.session.reply(.settled(ready: fleet.isReady && !fleet.hasEnded), to: request.id)
      case .stop where fleet.hasEnded:
        clients[identifier]?.session.reply(.done, to: request.id)
      default: continue
      }
      serve(identifier, event: .init(source: .client(identifier), isReadable: false, isWritable: true))
    }
  }

  // MARK: Status

  private func sendStatus(to identifier: Int, _ request: SupervisorRequest) {
    let rows = [ownRow()] + fleet.members.map(row)
    for row in rows { clients[identifier]?.session.row(row) }
    clients[identifier]?.session.reply(.status(processes: rows.count), to: request.id)
  }

  private func ownRow() -> ProcessStatus {
    let state: ProcessState = fleet.isEnding ? .stopping : .ready
    return ProcessStatus(
      name: ProcessRole.supervisor.rawValue, role: .supervisor, pid: getpid(), state: state.rawValue,
      responsive: true, restarts: 0, address: "", since: startedAt)
  }

  private func row(_ member: Fleet.Member) -> ProcessStatus {
    let child = children[member.name]
    return ProcessStatus(
      name: member.name, role: member.role == .index ? .index : .peer, pid: child?.process?.pid,
      state: member.state.rawValue, responsive: member.machine.isResponsive(now: .now),
      restarts: Int64(member.machine.restarts), address: child?.address ?? "",
      since: states.since(member.name) ?? startedAt, reason: member.state == .ready ? nil : child?.reason)
  }
}
