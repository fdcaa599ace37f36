// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// Why the supervisor does not start. The message says what happened, to what, and what to do next.
package struct SupervisorError: Error, Equatable {
  /// The exit status of `p2p-supervisor`: sysexits.h.
  package enum Kind: Int32, Sendable {
    case failed = 1
    case usage = 64
    case noInput = 66
    case forbidden = 77
  }

  package let kind: Kind
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var exitStatus: Int32 { kind.rawValue }

  /// A failed system call. Missing permissions become `.forbidden`.
  package static func system(_ what: String, _ errno: Errno, hint: String? = nil) -> SupervisorError {
    let isForbidden = [.permissionDenied, .notPermitted, .readOnlyFileSystem].contains(errno)
    return SupervisorError(isForbidden ? .forbidden : .failed, "\(what): \(errno)" + (hint.map { "; \($0)" } ?? ""))
  }
}

extension SupervisorError: CustomStringConvertible {
  package var description: String { message }
}
