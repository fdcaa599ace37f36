// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupervision
import WireProtocol

/// One child with all that the supervisor holds for it: sockets and log for ever, the process that serves and the one in
/// reserve while they live. Carries out, decides nothing.
final class SupervisedChild {
  var blueprint: ChildBlueprint
  private(set) var process: ChildRun?
  /// A process that has been told nothing yet.
  private(set) var standby: ChildRun?
  /// A process that has been relieved and is ending.
  private(set) var leaving: ChildRun?
  private var log: RotatingLog
  /// Why it is not there, or last ended: a sentence.
  var reason: String?
  /// What it said was the matter with it, before it ended.
  var failure: String?

  init(_ blueprint: ChildBlueprint) {
    self.blueprint = blueprint
    log = RotatingLog(path: blueprint.logPath)
  }

  /// What runs of it now.
  var runs: [ChildRun] { [process, standby, leaving].compactMap(\.self) }

  // MARK: Life

  func spawn(limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    begin(try ChildRun(blueprint, limits: limits))
  }

  /// Makes the standby the process that serves. One that has ended in the meantime is replaced by a new process.
  func promote(limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    guard reapStandby() == nil, let standby else { return try spawn(limits: limits) }
    self.standby = nil
    begin(standby)
  }

  private func begin(_ run: ChildRun) {
    process = run
    run.begin(blueprint.start)
  }

  func prepareStandby(limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    standby = try ChildRun(blueprint, limits: limits)
  }

  /// Makes room for the standby. Whatever the process was about to do, it ends now.
  func dismiss() {
    process?.signal(SIGKILL)
    leaving = process
    process = nil
  }

  func tell(_ command: ChannelCommand) {
    process?.tell(command)
  }

  func signal(_ number: Int32) {
    process?.signal(number)
  }

  /// How the process that served ended, if it has.
  func reap() -> Termination? {
    guard let termination = process?.reap(into: &log) else { return nil }
    process = nil
    return termination
  }

  func reapLeaving() -> Termination? {
    guard let termination = leaving?.reap(into: &log) else { return nil }
    leaving = nil
    return termination
  }

  func reapStandby() -> Termination? {
    guard let termination = standby?.reap(into: &log) else { return nil }
    standby = nil
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

  func takeStandbyOutput() {
    standby?.takeOutput(into: &log)
  }

  /// Whoever has moved its log away gets a new one.
  func reopenLog() {
    log.close()
  }
}
