// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// The rules of requests on the hot planes that are more than the type of a field.
@Suite struct RequestTests {
  private func failure(_ text: String, batch: Int = 1000) throws -> WireFailure? {
    try read(text) { line in
      do throws(WireFailure) {
        _ = try IndexRequest(line, batchLimit: batch)
        return nil
      } catch {
        return error
      }
    }
  }

  @Test(
    arguments: [
      (#"{"id":1}"#, ErrorCode.badRequest, "op is missing"), (#"{"id":1,"op":7}"#, .badRequest, "op is a string"),
      (#"{"id":1,"op":null}"#, .badRequest, "op is a string"),
      (#"{"id":1,"op":"fly"}"#, .unknownOperation, "an index has no such operation"),
      (#"{"id":1,"op":"PING"}"#, .unknownOperation, "an index has no such operation"),
      (#"{"op":"lookup"}"#, .badRequest, "lookup takes key, or content and size"),
      (#"{"op":"lookup","key":7}"#, .badRequest, "key is a string"),
      (#"{"op":"lookup","key":"rfc/1","content":"01X"}"#, .badRequest, "content is 4 to 64 hex digits"),
      (#"{"op":"lookup","content":"\#(Sample.root)"}"#, .badRequest, "size is missing"),
      (#"{"op":"lookup","key":"rfc/1","peer":"b1"}"#, .badRequest, "peer is 8 to 64 hex digits"),
      (#"{"op":"add"}"#, .badRequest, "documents is missing"),
      (#"{"op":"add","documents":{}}"#, .badRequest, "documents is an array"),
      (#"{"op":"add","documents":[1]}"#, .badRequest, "documents is an array of objects"),
      (#"{"op":"add","documents":[{}]}"#, .badRequest, "key is missing"),
      (#"{"op":"list","limit":0}"#, .badRequest, "limit is an integer from 1 to 2147483647"),
      (
        #"{"op":"list","words":"\#(String(repeating: "w", count: 1025))"}"#, .badRequest, "words has at most 1024 bytes"
      ),
      (
        #"{"op":"watch","words":"\#(String(repeating: "w", count: 1025))"}"#, .badRequest,
        "words has at most 1024 bytes"
      ),
      (
        #"{"op":"watch","key":"rfc/1",\#(Sample.content)}"#, .badRequest,
        "watch takes either content and size, or any of key, prefix, collection and words"
      ),
      (#"{"op":"watch","content":"\#(Sample.root)"}"#, .badRequest, "size is missing"),
      (#"{"op":"watch","size":1}"#, .badRequest, "content is missing"),
      (#"{"op":"unwatch"}"#, .badRequest, "watch is missing"),
      (#"{"op":"unwatch","watch":0}"#, .badRequest, "watch is an integer from 1 to 9007199254740991"),
      (#"{"op":"list","collection":"A"}"#, .badRequest, "collection is 1 to 32 of a-z, 0-9 and -"),
      (
        #"{"op":"hello","protocol":2,"peer":"\#(Sample.peer)","name":"a"}"#, .unsupportedProtocol,
        "protocol 2 is not supported, only protocol 1"
      ),
      (
        #"{"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"a","port":0}"#, .badRequest,
        "port is an integer from 1 to 65535"
      ),
      (
        #"{"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"a","port":null}"#, .badRequest,
        "port is an integer from 1 to 65535"
      ),
    ] as [(String, ErrorCode, String)])
  func `index refuses with code and message`(_ text: String, _ code: ErrorCode, _ message: String) throws {
    #expect(try failure(text) == WireFailure(code, message))
  }

  @Test func `index takes words up to their limit`() throws {
    #expect(try failure(#"{"op":"list","words":"\#(String(repeating: "w", count: 1024))"}"#) == nil)
  }

  @Test(arguments: ["add", "remove"])
  func `batch over the limit is refused by its name`(operation: String) throws {
    let batch = #"{"op":"\#(operation)","documents":[{\#(Sample.document)},{\#(Sample.document)}]}"#
    #expect(try failure(batch, batch: 2) == nil)
    let refusal = try failure(batch, batch: 1)
    #expect(refusal == WireFailure(.tooLarge, "at most 1 documents in one request", limit: .init("batch", 1)))
  }

  @Test(
    arguments: [
      (#"{"op":"fly"}"#, ErrorCode.unknownOperation, "a peer has no such operation"),
      (
        #"{"op":"hello","protocol":0,"peer":"\#(Sample.peer)","name":"a"}"#, .unsupportedProtocol,
        "protocol 0 is not supported, only protocol 1"
      ),
      (
        #"{"op":"hashes",\#(Sample.content),"layer":0,"index":0,"length":3}"#, .badRequest,
        "length is a power of two from 1 to 512"
      ),
      (
        #"{"op":"hashes",\#(Sample.content),"layer":0,"index":1,"length":2}"#, .badRequest,
        "index is a multiple of length"
      ),
      (
        #"{"op":"hashes",\#(Sample.content),"layer":0,"index":0,"length":1024}"#, .badRequest,
        "length is an integer from 1 to 512"
      ),
      (
        #"{"op":"hashes",\#(Sample.content),"layer":64,"index":0,"length":1}"#, .badRequest,
        "layer is an integer from 0 to 63"
      ),
      (
        #"{"op":"get",\#(Sample.content),"offset":-1,"length":1}"#, .badRequest,
        "offset is an integer from 0 to 9007199254740991"
      ),
      (#"{"op":"get",\#(Sample.content),"offset":0}"#, .badRequest, "length is missing"),
      (
        #"{"op":"get",\#(Sample.content),"offset":0.0,"length":1}"#, .badRequest,
        "offset is an integer from 0 to 9007199254740991"
      ),
    ] as [(String, ErrorCode, String)])
  func `peer refuses with code and message`(_ text: String, _ code: ErrorCode, _ message: String) throws {
    let failure = try read(text) { line in #expect(throws: WireFailure.self) { try PeerRequest(line) } }
    #expect(failure == WireFailure(code, message))
  }
}
