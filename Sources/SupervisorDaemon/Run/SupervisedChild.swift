// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import ProcessSupervision
import WireProtocol

/// One child and what the supervisor holds for it: sockets and log permanently, its process while that lives. Carries out
/// actions and decides nothing.
final class SupervisedChild {
  var blueprint: ChildBlueprint
  private(set) var process: ChildRun?
  private var log: ChildLog
  /// Why it is down, or ended last: a sentence.
  var reason: String?
  /// The failure that it reported before it ended.
  var failure: String?
  /// Where other machines reach a peer, as it has reported; `nil` until then.
  private(set) var uploads: String?

  init(_ blueprint: ChildBlueprint) {
    self.blueprint = blueprint
    log = ChildLog(blueprint.log, name: blueprint.name)
  }

  /// It serves: its next start is no longer its first one. A peer says so again when it has another address.
  func becameReady(at addresses: ChannelAddresses) {
    reason = nil
    uploads = addresses.uploads.flatMap { try? Endpoint($0) }.map { "\($0)" }
    guard case .peer(var settings) = blueprint.settings else { return }
    settings.forgetsConnect = false
    blueprint.settings = .peer(settings)
  }

  /// Gives its process, and those to come, a new control socket. The old one is closed; its path is that of the new one.
  func replaceControl(with socket: ListeningSocket) {
    blueprint.replaceControl(with: socket)
    process?.send(.listen, passing: socket.descriptor)
  }

  /// The address shown to people.
  var address: String { uploads ?? blueprint.address }

  // MARK: Life

  func spawn(limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    process = try ChildRun(blueprint, limits: limits)
  }

  func send(_ command: ChannelCommand) {
    process?.send(command)
  }

  func signal(_ number: Int32) {
    process?.signal(number)
  }

  /// How the process ended, if it has.
  func reap() -> Termination? {
    guard let termination = process?.reap(into: &log) else { return nil }
    log.end()
    (process, uploads) = (nil, nil)
    return termination
  }

  // MARK: Channel and output

  func receive() -> [ChannelEvent] {
    process?.receive() ?? []
  }

  func flushChannel() {
    process?.flushChannel()
  }

  /// Moves its output into its log.
  func takeOutput() {
    process?.takeOutput(into: &log)
  }

  /// Opens a new file if the log was moved away.
  func reopenLog() {
    log.reopen()
  }
}

/// Wall-clock time at which each process entered its current state.
struct StateTimes {
  private struct Entry {
    let state: ProcessState
    let restarts: Int
    let since: Timestamp
  }

  private var entries: [String: Entry] = [:]

  /// True if the state changed, or was left and entered again.
  mutating func note(_ member: Fleet.Member, at time: Timestamp) -> Bool {
    let machine = member.machine
    if let entry = entries[member.name], entry.state == member.state, entry.restarts == machine.restarts {
      return false
    }
    entries[member.name] = Entry(state: member.state, restarts: machine.restarts, since: time)
    return true
  }

  func since(_ name: String) -> Timestamp? {
    entries[name]?.since
  }
}
