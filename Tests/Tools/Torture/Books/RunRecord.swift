// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import Synchronization

/// Counts and findings of all threads of a run.
final class RunRecord: Sendable {
  /// Later findings are usually consequences.
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

  /// - Parameter outcome: `ok` or an error code.
  func count(_ operation: String, _ outcome: String) {
    state.withLock { state in
      state.outcomes[operation, default: [:]][outcome, default: 0] += 1
    }
  }

  /// - Parameter wasDone: false if the victim was not running.
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

  /// Records and prints a violation.
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

  // MARK: Allowed contents

  /// Call it before the file is written.
  func allow(_ content: Content, under key: String) {
    state.withLock { _ = $0.contents[key, default: []].insert(content) }
  }

  /// Whether a file under this key has ever had this content.
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

/// Progress on standard error.
enum Terminal {
  static func say(_ message: String) {
    let line = Array("torture: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}

/// The reason why a run cannot continue.
struct TortureFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  /// A system call that just failed, with `errno`.
  static func system(_ what: String) -> TortureFailure {
    TortureFailure("\(what): \(String(cString: strerror(errno)))")
  }
}

/// The operations of one worker, one per line, to investigate a finding.
final class Journal {
  private let descriptor: CInt
  private let start: ContinuousClock.Instant

  /// - Parameter path: `nil` writes nothing.
  init(path: String?, start: ContinuousClock.Instant) {
    descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) } ?? -1
    self.start = start
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  func note(_ what: @autoclosure () -> String) {
    guard descriptor >= 0 else { return }
    let line = Array("\((ContinuousClock.now - start).seconds.rounded(toPlaces: 2)) \(what())\n".utf8)
    _ = write(descriptor, line, line.count)
  }
}

extension JSONValue {
  /// The JSON text.
  var line: String {
    guard let bytes = try? Jansson.encodeLine(self) else { return "\(self)" }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }
}
