// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupervision
import WireProtocol

/// One child and what the supervisor holds for it: sockets and log permanently, its process while that lives. Carries out
/// actions and decides nothing.
final class SupervisedChild {
  var blueprint: ChildBlueprint
  private(set) var process: ChildRun?
  private var log: RotatingLog
  /// Why it is not there, or last ended: a sentence.
  var reason: String?
  /// What it said was the matter with it, before it ended.
  var failure: String?

  init(_ blueprint: ChildBlueprint) {
    self.blueprint = blueprint
    log = RotatingLog(path: blueprint.logPath)
  }

  // MARK: Life

  func spawn(limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    process = try ChildRun(blueprint, limits: limits)
  }

  func tell(_ command: ChannelCommand) {
    process?.tell(command)
  }

  func signal(_ number: Int32) {
    process?.signal(number)
  }

  /// How the process ended, if it has.
  func reap() -> Termination? {
    guard let termination = process?.reap(into: &log) else { return nil }
    process = nil
    return termination
  }

  // MARK: What it says

  func receive() -> [ChannelEvent] {
    process?.receive() ?? []
  }

  func flushChannel() {
    process?.flushChannel()
  }

  /// Moves what it has written into its log.
  func takeOutput() {
    process?.takeOutput(into: &log)
  }

  /// Whoever has moved its log away gets a new one.
  func reopenLog() {
    log.close()
  }
}
