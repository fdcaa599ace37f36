// SPDX-License-Identifier: Apache-2.0

/// Asks again and again until it is so, at most for `timeout`. For what happens in another process or thread and tells
/// nobody.
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
