// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// A closed network whose database cannot grow.
@Suite(.serialized) struct FullStateTests {
  @Test(.enabled("needs the right to mount") { SmallDisk.canMount })
  func `a full disk is named with the cure, changes nothing, and loses no refusal`() async throws {
    let disk = try SmallDisk()
    try await ClosedIndex.with(in: disk.directory) { index in
      let admin = try index.member(1, .admin)
      _ = try index.member(2, .reader)
      let ticket = try index.ticket()
      let (stranger, _) = try index.session(3)
      try disk.fill()
      let revoke = #"{"id":1,"op":"revoke","peer":"00000002"}"#
      let cure = "\(disk.path)/network.sqlite cannot be written, because its disk is full: free some space there"
      for reply in [try index.operate(revoke), try admin.ask(revoke)] {
        #expect(reply.outcome == "503 unavailable" && reply["message"]?.string?.contains(cure) == true, "\(reply)")
      }
      let joined = try stranger.ask(ClosedIndex.join(ticket.secret.hex))
      #expect(joined.outcome == "503 unavailable" && !"\(joined)".contains(disk.path), "\(joined)")
      for _ in 0..<5 { #expect(try stranger.ask(Wire.lookup("file/a")).outcome == "403 forbidden") }
      disk.free()
      #expect(try index.operate(#"{"id":1,"op":"members"}"#).rows("members").count == 2)
      #expect(try admin.ask(revoke)["peer"]?.string == ClosedIndex.id(2))
      let entries = try LogReply(try index.operate(#"{"id":1,"op":"log"}"#)).entries
      #expect(entries.filter { $0.event == .refused }.reduce(0) { $0 + ($1.count ?? 1) } == 5)
    }
  }
}
