// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupervision

/// Processes in reserve, and those that they relieve.
extension Supervisor {
  /// Without one a restart takes longer, no more.
  func prepareStandby(_ child: SupervisedChild) {
    do throws(SpawnFailure) {
      try child.prepareStandby(limits: limits)
      if fleet.canBeRelieved(child.blueprint.name) { child.process?.watchThreads() }
      record()
    } catch {
      standbyEnded(child.blueprint.name, .notStarted(error.description))
    }
  }

  func reapStandby(_ name: String) {
    guard let termination = children[name]?.reapStandby() else { return }
    standbyEnded(name, termination)
    record()
  }

  private func standbyEnded(_ name: String, _ termination: Termination) {
    if termination != .signaled(SIGKILL) { log.write("the standby of \(name) \(termination)", .warning) }
    perform(fleet.standbyEnded(name, now: .now))
  }

  /// Lets the standby take over from a process that is ending, where it need not wait for the end.
  func threadEnded(_ name: String) {
    guard let child = children[name], let process = child.process else { return }
    guard process.isEnding else { return process.watchThreads() }
    process.ignoreThreads()
    guard child.leaving == nil,
      let steps = fleet.relieve(child.blueprint.name, now: .now, random: Double.random(in: 0..<1))
    else { return }
    child.dismiss()
    perform(steps)
  }

  func reapLeaving(_ name: String) {
    guard let child = children[name], let termination = child.reapLeaving() else { return }
    logEnd(of: child, termination)
    record()
  }
}
