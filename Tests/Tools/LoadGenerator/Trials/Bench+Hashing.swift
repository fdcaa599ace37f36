// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How quickly files are hashed when they are added.
extension Bench {
  private static let blockSize = 16 << 10

  func measureHashing(_ round: Int) throws {
    try startAfresh()
    let peer = try installation.process("alice").pid
    let before = try ProcessorTime.of(peer)
    let added = try installation.run("alice", "add", documents.large)
    let used = try ProcessorTime.of(peer) - before
    let rate = Double(effort.largeSize) / 1e6 / added.elapsed.inSeconds
    add(Sample(.hashing, Figure.own, round: round, value: rate, processorTime: used + added.processorTime))
    add(Sample(.hashing, Figure.openssl, round: round, value: try opensslSpeed()))
  }

  /// Makes the peer forget: another time of change is another file to it.
  private func startAfresh() throws {
    try installation.run("alice", "remove", documents.largeKey)
    guard utimensat(AT_FDCWD, documents.large, nil, 0) == 0 else { throw BenchFailure.system(documents.large) }
  }

  /// Megabytes per second on one processor, in blocks as long as ours.
  private func opensslSpeed() throws -> Double {
    let openssl = Tool(path: try Tool.installed("openssl"), scratch: directory)
    let output = try openssl.run([
      "speed", "-elapsed", "-mr", "-evp", "sha256", "-seconds", "\(effort.speedSeconds)", "-bytes", "\(Self.blockSize)",
    ]).output
    guard let rate = OpenSSLSpeed.bytesPerSecond(in: output) else {
      throw BenchFailure("openssl speed says nothing that can be read:\n\(output)")
    }
    return rate / 1e6
  }
}

/// What `openssl speed -mr` prints: openssl-speed(1).
package enum OpenSSLSpeed {
  /// From the last line of the form `+F:<number>:<algorithm>:<bytes per second>`.
  package static func bytesPerSecond(in output: String) -> Double? {
    output.split(whereSeparator: \.isNewline).last { $0.hasPrefix("+F:") }
      .flatMap { $0.split(separator: ":").last }.flatMap { Double($0) }
  }
}
