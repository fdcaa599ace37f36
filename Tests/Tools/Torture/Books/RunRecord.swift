// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import Synchronization

/// What all threads of a run write down.
final class RunRecord: Sendable {
  /// More of the same would only hide the first.
  private static let maxFindings = 200

  private struct State {
    var outcomes: [String: [String: Int]] = [:]
    var faults: [Fault.Kind: Int] = [:]
    var missed: [Fault.Kind: Int] = [:]
    var findings: [String] = []
    var contents: [String: Set<Content>] = [:]
  }

  private let state = Mutex(State())
  let start = ContinuousClock.now

  // MARK: Counting

  /// - Parameter outcome: `ok` or a code.
  func count(_ operation: String, _ outcome: String) {
    state.withLock { state in
      state.outcomes[operation, default: [:]][outcome, default: 0] += 1
    }
  }

  /// - Parameter wasDone: false where it could not be: its victim was not there.
  func count(_ fault: Fault.Kind, wasDone: Bool) {
    state.withLock { state in
      if wasDone { state.faults[fault, default: 0] += 1 } else { state.missed[fault, default: 0] += 1 }
    }
  }

  /// By operation and outcome.
  var outcomes: [String: [String: Int]] { state.withLock { $0.outcomes } }
  var operations: Int { outcomes.values.reduce(0) { $0 + $1.values.reduce(0, +) } }
  var faults: [Fault.Kind: Int] { state.withLock { $0.faults } }
  var missed: [Fault.Kind: Int] { state.withLock { $0.missed } }

  // MARK: Findings

  /// Something is not as it has to be. Told at once.
  func find(_ what: String) {
    let seconds = (ContinuousClock.now - start).seconds
    let line = "\(seconds.rounded(toPlaces: 1)) s: \(what)"
    let isKept = state.withLock { state in
      guard state.findings.count < Self.maxFindings else { return false }
      state.findings.append(line)
      return true
    }
    if isKept { Terminal.say("FOUND \(line)") }
  }

  var findings: [String] { state.withLock { $0.findings } }

  // MARK: What a key may stand for

  /// Before the file is written.
  func allow(_ content: Content, under key: String) {
    state.withLock { _ = $0.contents[key, default: []].insert(content) }
  }

  /// Whether a file under this key ever had this content.
  func isAllowed(_ content: Content, under key: String) -> Bool {
    state.withLock { $0.contents[key]?.contains(content) ?? false }
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}

extension Double {
  func rounded(toPlaces places: Int) -> Double {
    let factor = pow(10, Double(places))
    return (self * factor).rounded() / factor
  }
}

/// For the person who watches.
enum Terminal {
  static func say(_ message: String) {
    let line = Array("torture: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}

/// Why a run cannot go on.
struct TortureFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  /// A system call that has just failed.
  static func system(_ what: String) -> TortureFailure {
    TortureFailure("\(what): \(String(cString: strerror(errno)))")
  }
}
