// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupervision

/// Since when each process has been in its state, by the time of day.
struct StateBook {
  private struct Entry {
    let state: ProcessState
    let restarts: Int
    let since: Timestamp
  }

  private var entries: [String: Entry] = [:]

  /// True where the state is a new one, or was left and entered again.
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
