// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// What a daemon does with the requests of its front ends.
package protocol ControlAnswering: Sendable {
  /// Carries out one request, `hello` excepted. The task is cancelled where the one who asked goes away.
  func answer(_ request: ControlRequest, events: any ControlEvents) async throws(WireFailure) -> any WireReply
}
