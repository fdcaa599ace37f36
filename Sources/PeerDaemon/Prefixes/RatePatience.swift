// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// How long a request of a round waits because an index answers only so much in a second.
package struct RatePatience: Sendable {
  /// In seconds, all pauses of a request together.
  package static let most = 60
  private var left = most

  package init() {}

  /// - Returns: the seconds after which the request is to be repeated; `nil` if that is not worth it.
  package mutating func pause(after failure: WireFailure) -> Int? {
    guard failure.code == .tooMany, let seconds = failure.retryAfter, seconds > 0, seconds <= left else { return nil }
    left -= seconds
    return seconds
  }
}
