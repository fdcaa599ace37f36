import Glibc

/// What a person or a log gets to read.
package struct StandardError: Sendable {
  private let program: String

  /// - Parameter program: stands before each line.
  package init(program: String) {
    self.program = program
  }

  /// One line.
  package func report(_ message: String) {
    let line = Array("\(program): \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
