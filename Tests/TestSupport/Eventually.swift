// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Polls a condition until it is true or `timeout` has passed. For changes in another process or thread that cannot be
/// awaited.
package func eventually(
  within timeout: Duration = .seconds(60), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let deadline = ContinuousClock.now + timeout
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return try await condition()
}

/// Runs a blocking body, such as one with a `RawConnection`, on another thread. The cooperative pool has few threads, and
/// what the body waits for may need one.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Swift.Result(catching: body)) }
  }
}

/// Polls a condition and blocks the thread meanwhile.
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
