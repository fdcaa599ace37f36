// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

@Suite struct IndexRequestTests {
  private func decode(_ text: String, batch: Int = 1000) throws -> IndexRequest {
    try read(text) { try IndexRequest($0, batchLimit: batch) }
  }

  private func failure(_ text: String, batch: Int = 1000) -> WireFailure? {
    do {
      _ = try decode(text, batch: batch)
      return nil
    } catch {
      return error as? WireFailure
    }
  }

  static let requests = [
    #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"alice","port":40001}"#,
    #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"alice"}"#,
    #"{"id":1,"op":"add","documents":[{"key":"rfc/793","title":"TCP","content":"\#(Sample.root)","size":177957,"modified":"1981-09-01T00:00:00Z"}]}"#,
    #"{"id":1,"op":"remove","documents":[{"key":"rfc/793","content":"\#(Sample.root)","size":177957}]}"#,
    #"{"id":1,"op":"lookup","key":"rfc/793"}"#,
    #"{"id":1,"op":"lookup","key":"rfc/793","peer":"\#(Sample.peer)"}"#,
    #"{"id":1,"op":"lookup","content":"\#(Sample.root)","size":5}"#,
    #"{"id":1,"op":"list","collection":"rfc","words":"control proto","limit":100,"after":"x"}"#,
    #"{"id":1,"op":"list"}"#, #"{"id":1,"op":"peers","limit":100}"#, #"{"id":1,"op":"stats"}"#,
    #"{"id":1,"op":"ping"}"#,
  ]

  @Test(arguments: requests)
  func readsAndWritesTheSameLine(_ text: String) throws {
    let request = try decode(text)
    #expect(line { request.write(id: 1, to: &$0) } == text)
  }

  @Test func ignoresUnknownFields() throws {
    #expect(try decode(#"{"future":[{"x":1}],"op":"ping","id":1}"#) == .ping)
  }

  @Test(
    arguments: [
      (#"{"id":1}"#, ErrorCode.badRequest), (#"{"id":1,"op":7}"#, .badRequest),
      (#"{"id":1,"op":"fly"}"#, .unknownOperation), (#"{"op":"lookup"}"#, .badRequest),
      (#"{"op":"lookup","key":"rfc/0793"}"#, .badRequest), (#"{"op":"lookup","key":7}"#, .badRequest),
      (#"{"op":"lookup","key":"rfc/1","content":"\#(Sample.root)","size":1}"#, .badRequest),
      (#"{"op":"lookup","content":"\#(Sample.root)"}"#, .badRequest),
      (#"{"op":"lookup","content":"\#(Sample.root)","size":0}"#, .badRequest),
      (#"{"op":"lookup","content":"\#(Sample.root)","size":9007199254740992}"#, .badRequest),
      (#"{"op":"lookup","content":"ABC","size":1}"#, .badRequest), (#"{"op":"add","documents":{}}"#, .badRequest),
      (#"{"op":"add","documents":[1]}"#, .badRequest), (#"{"op":"list","limit":0}"#, .badRequest),
      (#"{"op":"list","collection":"A"}"#, .badRequest),
      (#"{"op":"hello","protocol":2,"peer":"\#(Sample.peer)","name":"a"}"#, .unsupportedProtocol),
      (#"{"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"a","port":0}"#, .badRequest),
      (#"{"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"index"}"#, .badRequest),
    ] as [(String, ErrorCode)])
  func refusesWithACode(_ text: String, _ code: ErrorCode) {
    #expect(failure(text)?.code == code)
  }

  @Test func refusesABatchOverTheLimitAndNamesIt() {
    let record = #"{"key":"rfc/1","content":"\#(Sample.root)","size":1}"#
    let refusal = failure(#"{"op":"remove","documents":[\#(record),\#(record)]}"#, batch: 1)
    #expect(refusal?.code == .tooLarge)
    #expect(refusal?.limit == .init("batch", 1))
  }
}
