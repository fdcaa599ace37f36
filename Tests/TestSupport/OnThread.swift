// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Runs what blocks, such as a `RawConnection`, on a thread of its own: the few threads that run tasks are those on which
/// what it waits for may have to run.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Swift.Result(catching: body)) }
  }
}

/// Asks again and again until it is so, at most for `timeout`, blocking its thread.
package func eventuallyOnThread(
  within timeout: Duration = .seconds(60), _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = ContinuousClock.now + timeout
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    usleep(5000)
  }
  return try condition()
}
