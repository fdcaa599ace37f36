// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import WireProtocol

/// How long a page of the documents below a prefix waits because an index answers only so much in a second.
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

extension IndexLink {
  /// A page of the documents below a prefix. Waits when the index asks for it, until the task is cancelled.
  func list(_ query: IndexRequest.ListQuery, in home: Home) async throws(WireFailure) -> ListReply {
    var patience = RatePatience()
    while true {
      do throws(WireFailure) {
        return try await ask(.list(query), in: home, ListReply.init(line:))
      } catch {
        guard let seconds = patience.pause(after: error), (try? await Task.sleep(for: .seconds(seconds))) != nil else {
          throw error
        }
      }
    }
  }
}
