// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A destination for text: a descriptor, or memory in tests.
package protocol TextOutput: AnyObject {
  func write(_ text: String) throws(OutputError)
  /// Writes bytes as they are.
  func write(bytes: [UInt8]) throws(OutputError)
  /// Writes what is buffered.
  func flush() throws(OutputError)
}

/// Why output could not be written.
package enum OutputError: Error, Equatable {
  /// The reader has gone: `p2pctl list | head`. Not reported as an error.
  case closed
  case interrupted
  /// Any other errno.
  case system(Int32)
}

/// Writes to a descriptor, optionally buffered.
package final class DescriptorOutput: TextOutput {
  private static let heldBack = 32_768

  private let descriptor: Int32
  private let isBuffered: Bool
  private var buffer: [UInt8] = []
  /// Why an earlier write failed. What follows fails as well: part of the text is missing, and the caller of that write may
  /// have had no way to report it.
  private var failure: OutputError?

  /// - Parameter isBuffered: whether text may be kept until `flush`.
  package init(_ descriptor: Int32, isBuffered: Bool) {
    self.descriptor = descriptor
    self.isBuffered = isBuffered
  }

  package func write(_ text: String) throws(OutputError) {
    try write(bytes: Array(text.utf8))
  }

  package func write(bytes: [UInt8]) throws(OutputError) {
    buffer.append(contentsOf: bytes)
    if !isBuffered || buffer.count >= Self.heldBack { try flush() }
  }

  package func flush() throws(OutputError) {
    if let failure { throw failure }
    do {
      try writeBuffer()
    } catch {
      // After Ctrl-C an interactive shell goes on.
      if error != .interrupted { failure = error }
      throw error
    }
  }

  private func writeBuffer() throws(OutputError) {
    var rest = buffer[...]
    defer { buffer.removeAll(keepingCapacity: true) }
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EPIPE {
        throw .closed
      } else if errno == EAGAIN {
        do {
          _ = try Readiness.wait(for: descriptor, events: Int16(POLLOUT), until: nil)
        } catch {
          throw error == .interrupted ? .interrupted : .system(EIO)
        }
      } else if errno != EINTR {
        throw .system(errno)
      } else if InterruptSignal.take() {
        throw .interrupted
      }
    }
  }
}
