// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// One thing that was looked at, how it stands, and what helps where it is not as it should be.
package struct Finding: Equatable {
  package enum Check: String, CaseIterable {
    case sockets
    case processes
    case versions
    case rights
    case index
    case reachability
    case disk
    case descriptors
    case clock
  }

  package enum Severity: String, Comparable {
    case ok
    /// Works, and may not for long.
    case warning
    /// Does not work.
    case problem

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    private var rank: Int {
      switch self {
      case .ok: 0
      case .warning: 1
      case .problem: 2
      }
    }
  }

  package let check: Check
  package let severity: Severity
  /// One sentence, not yet fit for a terminal.
  package let message: String
  /// What to do; never empty but where all is well.
  package let cure: String

  static func ok(_ check: Check, _ message: String) -> Finding {
    Finding(check: check, severity: .ok, message: message, cure: "")
  }

  static func warning(_ check: Check, _ message: String, cure: String) -> Finding {
    Finding(check: check, severity: .warning, message: message, cure: cure)
  }

  static func problem(_ check: Check, _ message: String, cure: String) -> Finding {
    Finding(check: check, severity: .problem, message: message, cure: cure)
  }

  package var members: JSONMembers {
    var members: JSONMembers = [
      "check": .string(check.rawValue), "severity": .string(severity.rawValue), "message": .string(message),
    ]
    if !cure.isEmpty { members["cure"] = .string(cure) }
    return members
  }
}
