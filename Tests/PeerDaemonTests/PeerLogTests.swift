// SPDX-License-Identifier: Apache-2.0

import Logging
import PeerDaemon
import Testing

@Suite struct PeerLogTests {
  private struct Failure: Error, CustomStringConvertible {
    let description = "it broke"
  }

  @Test func `metadata follows the message by name`() {
    #expect(PeerLog.text("connected", [:], error: nil) == "connected")
    #expect(PeerLog.text("connected", ["b": "2", "a": "x y"], error: nil) == "connected a=x y b=2")
    #expect(PeerLog.text("failed", ["a": "1"], error: Failure()) == "failed a=1 error=it broke")
  }
}
