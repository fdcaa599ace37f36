// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// The exit statuses of p2pctl. 64 and above follow sysexits.h; 130 is what shells report for Ctrl-C.
package enum ExitStatus: Int32, CaseIterable, Sendable {
  case done = 0
  case failed = 1
  case notFound = 3
  case usage = 64
  case noInput = 66
  case unavailable = 69
  case cannotCreate = 73
  case verificationFailed = 76
  case notPermitted = 77
  case interrupted = 130

  /// The one switch from an error code to an exit status.
  package init(_ code: ErrorCode) {
    self =
      switch code {
      case .badRequest, .helloRequired, .unknownOperation, .noPort, .invalidRange, .tooLarge, .changed,
        .severalContents, .ambiguousPeer, .internal:
        .failed
      case .notFound: .notFound
      case .invalidKey, .usage: .usage
      case .noInput: .noInput
      case .unsupportedProtocol, .tooMany, .unavailable, .noSource: .unavailable
      case .cannotCreate: .cannotCreate
      case .verificationFailed: .verificationFailed
      case .forbidden, .tlsRequired: .notPermitted
      case .cancelled: .interrupted
      }
  }

  /// The error code of a failure of p2pctl itself.
  package var code: ErrorCode {
    switch self {
    case .done, .failed: .internal
    case .notFound: .notFound
    case .usage: .usage
    case .noInput: .noInput
    case .unavailable: .unavailable
    case .cannotCreate: .cannotCreate
    case .verificationFailed: .verificationFailed
    case .notPermitted: .forbidden
    case .interrupted: .cancelled
    }
  }

  /// As listed in every help text.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "failed"
    case .notFound: "not found"
    case .usage: "usage error or invalid key"
    case .noInput: "an input file is missing, unreadable, or a directory without -r"
    case .unavailable: "the daemon or the index is unavailable"
    case .cannotCreate: "the output cannot be created, or a different file is in its place"
    case .verificationFailed: "content failed verification"
    case .notPermitted: "not permitted"
    case .interrupted: "interrupted"
    }
  }

  /// The section of a help text.
  package static let helpSection: String = {
    let rows = allCases.map { status in
      let number = String(status.rawValue)
      return "  \(number)\(String(repeating: " ", count: 5 - number.utf8.count))\(status.meaning)"
    }
    return "EXIT STATUS:\n" + rows.joined(separator: "\n")
  }()
}
