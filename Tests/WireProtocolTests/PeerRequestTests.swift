// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing
import WireProtocol

@Suite struct PeerRequestTests {
  @Test(arguments: [
    #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"bob"}"#,
    #"{"id":1,"op":"have","content":"\#(Sample.root)","size":177957}"#,
    #"{"id":1,"op":"hashes","content":"\#(Sample.root)","size":177957,"layer":0,"index":0,"length":16}"#,
    #"{"id":1,"op":"get","content":"\#(Sample.root)","size":177957,"offset":0,"length":177957}"#,
  ])
  func readsAndWritesTheSameLine(_ text: String) throws {
    let request = try read(text) { try PeerRequest($0) }
    #expect(line { request.write(id: 1, to: &$0) } == text)
  }

  @Test(arguments: [
    #"{"op":"hashes","content":"\#(Sample.root)","size":9,"layer":0,"index":0,"length":3}"#,
    #"{"op":"hashes","content":"\#(Sample.root)","size":9,"layer":0,"index":1,"length":2}"#,
    #"{"op":"hashes","content":"\#(Sample.root)","size":9,"layer":0,"index":0,"length":1024}"#,
    #"{"op":"hashes","content":"\#(Sample.root)","size":9,"layer":-1,"index":0,"length":1}"#,
    #"{"op":"get","content":"\#(Sample.root)","size":9,"offset":-1,"length":1}"#,
    #"{"op":"get","content":"\#(Sample.root)","size":9,"offset":0}"#,
    #"{"op":"get","content":"\#(Sample.root)","size":9,"offset":0.0,"length":1}"#,
  ])
  func refuses(_ text: String) {
    #expect(throws: WireFailure.self) { try read(text) { try PeerRequest($0) } }
  }
}
