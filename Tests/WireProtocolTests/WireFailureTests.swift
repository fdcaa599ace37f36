// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing
import WireProtocol

@Suite struct WireFailureTests {
  @Test func isWrittenAndReadAgain() throws {
    let failure = WireFailure(.tooMany, "too many", limit: .init("connections", 5), retryAfter: 3)
    let text = line { failure.write(id: 7, to: &$0) }
    #expect(
      text
        == #"{"id":7,"status":429,"error":"too-many","message":"too many","limit":"connections","value":5,"retry_after":3}"#
    )
    #expect(try read(text) { try WireFailure(reply: $0) } == failure)
  }

  @Test func carriesANullIDWhereTheRequestHadNone() {
    #expect(line { WireFailure.badRequest("x").write(id: nil, to: &$0) }.hasPrefix(#"{"id":null,"status":400,"#))
  }

  @Test func aSuccessIsNone() throws {
    #expect(try read(#"{"id":1,"status":200}"#) { try WireFailure(reply: $0) } == nil)
  }

  @Test func anUnknownCodeIsStillAFailure() throws {
    let failure = try read(#"{"id":1,"status":418,"error":"teapot"}"#) { try WireFailure(reply: $0) }
    #expect(failure?.code == .internal)
  }

  @Test func codesAreDistinctAndStatusesAreFailures() {
    #expect(Set(ErrorCode.allCases.map(\.rawValue)).count == ErrorCode.allCases.count)
    #expect(ErrorCode.allCases.allSatisfy { (300...599).contains($0.status) })
  }
}
