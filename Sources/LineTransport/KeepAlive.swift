// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// TCP keep-alive (tcp(7)): a host that vanished without a word is noticed within about a minute even where nobody has
/// anything to say.
enum KeepAlive {
  /// Seconds of silence before the first probe, seconds between probes, probes without an answer.
  private static let settings: [(option: CInt, value: Int)] = [
    (TCP_KEEPIDLE, 30), (TCP_KEEPINTVL, 10), (TCP_KEEPCNT, 3),
  ]

  /// Best effort: a Unix socket has none of these options.
  static func enable(on channel: any Channel) {
    guard channel.remoteAddress?.ipAddress != nil, let options = channel.syncOptions else { return }
    try? options.setOption(.socketOption(.so_keepalive), value: 1)
    for (option, value) in settings {
      try? options.setOption(.tcpOption(.init(rawValue: option)), value: value)
    }
  }
}
