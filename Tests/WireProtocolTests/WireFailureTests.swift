// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing
import WireProtocol

@Suite struct WireFailureTests {
  @Test func `a failure is written and read`() throws {
    let failure = WireFailure(.tooMany, "too many", limit: .init("connections", 5), retryAfter: 3)
    let text = line { failure.write(id: 7, to: &$0) }
    #expect(
      text
        == #"{"id":7,"status":429,"error":"too-many","message":"too many","limit":"connections","value":5,"retry_after":3}"#
    )
    #expect(try read(text) { try WireFailure(reply: $0) } == failure)
  }

  @Test func `the id is null if the request had none`() {
    #expect(line { WireFailure.badRequest("x").write(id: nil, to: &$0) }.hasPrefix(#"{"id":null,"status":400,"#))
  }

  @Test func `a success is no failure`() throws {
    #expect(try read(#"{"id":1,"status":200}"#) { try WireFailure(reply: $0) } == nil)
  }

  @Test func `an unknown code is still a failure`() throws {
    let failure = try read(#"{"id":1,"status":418,"error":"teapot"}"#) { try WireFailure(reply: $0) }
    #expect(failure?.code == .internal)
  }

  @Test func `codes are distinct and have failure statuses`() {
    #expect(Set(ErrorCode.allCases.map(\.rawValue)).count == ErrorCode.allCases.count)
    #expect(ErrorCode.allCases.allSatisfy { (300...599).contains($0.status) })
  }

  @Test func `every status of 2xx is a success, all others are failures`() throws {
    for status in [200, 204, 299] {
      #expect(try read(#"{"status":\#(status)}"#) { try WireFailure(reply: $0) } == nil)
    }
    for status in [300, 404, 599] {
      #expect(try read(#"{"status":\#(status)}"#) { try WireFailure(reply: $0) }?.code == .internal)
    }
  }

  @Test func `every code survives both back ends`() throws {
    for code in ErrorCode.allCases {
      let failure = WireFailure(code, "why")
      #expect(try read(line { failure.write(id: 1, to: &$0) }) { try WireFailure(reply: $0) } == failure)
      #expect(try WireFailure(reply: members(line(failure.json(id: 1)))) == failure)
    }
  }

  /// The rule of all planes.
  @Test func `before hello every failure but one ends the connection`() {
    for code in ErrorCode.allCases {
      let (reply, endsConnection) = WireFailure(code, "why").beforeHello
      #expect(reply == (code == .unknownOperation ? .helloRequired : WireFailure(code, "why")))
      #expect(endsConnection == (code != .unsupportedProtocol))
    }
  }

  @Test func `a limit without its value is left out`() throws {
    let failure = try members(#"{"status":429,"error":"too-many","message":"m","limit":"line"}"#)
    #expect(try WireFailure(reply: failure)?.limit == nil)
  }

  @Test func `a failure describes itself by code and message`() {
    #expect("\(WireFailure.badRequest("key is missing"))" == "bad-request: key is missing")
    #expect(WireFailure.noHello(within: 30).limit == .init("hello", 30))
    #expect(WireFailure.helloRequired.code == .helloRequired)
  }
}
