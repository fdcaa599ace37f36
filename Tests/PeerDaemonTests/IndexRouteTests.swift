// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import PeerDaemon
import Testing
import WireProtocol

@Suite struct IndexRouteTests {
  private static let (one, other) = (Swarm.id("one"), Swarm.id("other"))
  private static let (here, there) = (Endpoint.defaultIndex, Endpoint(host: "192.0.2.1", port: 7734))

  @Test(arguments: [
    (here, nil, false, IndexRoute.plain), (here, nil, true, .tls(expected: nil)),
    (here, one, false, .tls(expected: one)),
    (there, nil, false, .tls(expected: nil)), (there, one, false, .tls(expected: one)),
    (Endpoint(host: "localhost", port: 1), nil, false, .plain), (Endpoint(host: "::1", port: 1), nil, false, .plain),
    (Endpoint(host: "index.example.org", port: 1), nil, false, .tls(expected: nil)),
  ])
  func `plain only on loopback, never to a known index`(
    address: Endpoint, known: PeerID?, demandsTLS: Bool, route: IndexRoute
  ) {
    #expect(IndexRoute(to: address, known: known, demandsTLS: demandsTLS) == route)
  }

  @Test func `another index is refused with both ids and the cure`() {
    let problem = IndexTLSProblem(.otherPeer(expected: Self.one, found: Self.other), at: Self.there)
    #expect(problem.refusal?.code == .forbidden)
    for part in [Self.one.hex, Self.other.hex, "p2pctl connect 192.0.2.1:7734 --id \(Self.other)"] {
      #expect(problem.message.contains(part))
    }
  }

  @Test(arguments: [
    (
      #"{"id":null,"status":503,"error":"unavailable","message":"index is parked","retry_after":7}"#, "index is parked",
      7 as Int?
    ),
    (#"{"id":null,"status":429,"error":"too-many","message":"full","retry_after":5}"#, "full", 5),
    (
      #"{"id":null,"status":503,"error":"unavailable","message":"moved\". To go on, type","retry_after":86400}"#,
      #"192.0.2.1:7734 says, without proving that it is the index: "moved'. To go on, type""#, 10
    ),
    (
      #"{"id":null,"status":503,"error":"unavailable","message":"\#(String(repeating: "x", count: 3_000))"}"#,
      #": "\#(String(repeating: "x", count: 200))...""#, nil
    ),
    (#"{"id":null,"status":400,"error":"bad-request","message":"x"}"#, "earlier version", nil),
    (#"{"id":null,"status":403,"error":"forbidden","message":"x"}"#, "earlier version", nil),
    ("{", "earlier version", nil),
    (#"{"id":1,"status":200}"#, "earlier version", nil),
    (
      #"{"id":null,"status":429,"error":"too-many","message":"full","limit":"connections","value":3}"#, "full", nil
    ),
  ])
  func `line instead of TLS is a temporary failure`(line: String, words: String, retryAfter: Int?) {
    let problem = IndexTLSProblem(.plainReply(line), at: Self.there)
    #expect(problem.message.contains(words) && problem.refusal == nil && problem.retryAfter == retryAfter)
    #expect(problem.limit == (line.contains(#""limit""#) ? WireFailure.Limit("connections", 3) : nil))
  }
}
