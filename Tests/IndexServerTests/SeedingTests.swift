// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import NetworkMembership
import TestSupport
import Testing

/// Which documents members of a closed network may add.
@Suite struct SeedingTests {
  private func refused(_ reply: JSONValue) -> [Int64] { reply.rows("refused").compactMap(\.integer) }

  @Test func `a reader adds what a publisher shares, under its title, and nothing else`() async throws {
    try await ClosedIndex.with { index in
      let publisher = try index.member(1, .publisher)
      let reader = try index.member(2, .reader)
      #expect(try publisher.ask(Wire.add(Wire.document("file/a", "Alpha"))).outcome == "200")
      let batch = [
        Wire.document("file/a", "Renamed"), Wire.document("file/a", content: 2), Wire.document("file/b"),
      ]
      let reply = try reader.ask(Wire.add(batch))
      #expect(reply["added"]?.integer == 1 && refused(reply) == [1, 2])
      // Title and time are those of the oldest record, also when the publisher's is the younger one.
      #expect(try publisher.ask(Wire.remove("file/a")).outcome == "200")
      #expect(try publisher.ask(Wire.lookup("file/a")).rows("contents").first?["title"]?.string == "Alpha")
    }
  }

  @Test func `what only readers have left cannot be added by others, but by its publisher`() async throws {
    try await ClosedIndex.with { index in
      let publisher = try index.member(1, .publisher)
      let (first, second) = (try index.member(2, .reader), try index.member(3, .reader))
      let document = Wire.document("file/a")
      #expect(try publisher.ask(Wire.add(document)).outcome == "200")
      #expect(try first.ask(Wire.add(document))["added"]?.integer == 1)
      #expect(try publisher.ask(Wire.remove("file/a")).outcome == "200")
      #expect(try refused(second.ask(Wire.add(document))) == [0])
      let again = try first.ask(Wire.add(document))
      #expect(refused(again) == [] && again["added"]?.integer == 0, "it has the record already")
      #expect(try publisher.ask(Wire.add(document)).outcome == "200")
      #expect(try second.ask(Wire.add(document))["added"]?.integer == 1)
    }
  }

  @Test func `a reader adds what a publisher shares, however many seeders were there before`() async throws {
    try await ClosedIndex.with { index in
      let publisher = try index.member(1, .publisher)
      _ = try index.member(2, .reader)
      let reader = try index.member(3, .reader)
      let shared = [Wire.document("file/a"), Wire.document("file/b")]
      #expect(try publisher.ask(Wire.add(shared))["added"]?.integer == 2)
      // More than are looked at in one go.
      let seeders = try (0..<600).map { _ in try index.session(2).0 }
      for seeder in seeders { #expect(try seeder.ask(Wire.add(shared))["added"]?.integer == 2) }
      for key in ["file/a", "file/b"] { #expect(try publisher.ask(Wire.remove(key)).outcome == "200") }
      #expect(try refused(reader.ask(Wire.add(shared))) == [0, 1])
      #expect(try publisher.ask(Wire.add(shared))["added"]?.integer == 2)
      let reply = try reader.ask(Wire.add([Wire.document("file/c")] + shared + [Wire.document("file/d")]))
      #expect(reply["added"]?.integer == 2 && refused(reply) == [0, 3])
    }
  }

  @Test func `positions of a long batch are those of its documents`() async throws {
    try await ClosedIndex.with { index in
      let publisher = try index.member(1, .publisher)
      let reader = try index.member(2, .reader)
      let shared = (0..<300).filter { $0 % 7 == 3 }
      #expect(try publisher.ask(Wire.add(shared.map { Wire.document("file/\($0)") })).outcome == "200")
      let reply = try reader.ask(Wire.add((0..<300).map { Wire.document("file/\($0)") }))
      #expect(reply["added"]?.integer == Int64(shared.count))
      #expect(refused(reply) == (0..<300).filter { $0 % 7 != 3 }.map(Int64.init))
      #expect(await index.comesToHave(records: 2 * shared.count))
    }
  }

  @Test func `below a claim only its owner brings documents, others seed them`() async throws {
    try await ClosedIndex.with { index in
      let (owner, other) = (try index.member(1, .publisher), try index.member(2, .publisher))
      let stranger = Wire.document("data/cats/1", content: 9)
      #expect(try other.ask(Wire.add(stranger))["added"]?.integer == 1)
      #expect(try owner.ask(#"{"id":5,"op":"claim","prefix":"data/cats/"}"#).outcome == "200")
      let taken = try other.ask(#"{"id":5,"op":"claim","prefix":"data/cats/"}"#)
      #expect(taken.outcome == "403 forbidden" && taken["message"]?.string?.contains("00000001") == true)
      #expect(try refused(other.ask(Wire.add(Wire.document("data/cats/1")))) == [0])
      #expect(try owner.ask(Wire.add(Wire.document("data/cats/1")))["added"]?.integer == 1)
      #expect(try other.ask(Wire.add(Wire.document("data/cats/1")))["added"]?.integer == 1)
      // What another had brought before the claim is seeded by nobody else.
      let third = try index.member(3, .publisher)
      #expect(try refused(third.ask(Wire.add(stranger))) == [0])
      #expect(try third.ask(Wire.add(Wire.document("data/dogs/1")))["added"]?.integer == 1)
    }
  }

  @Test func `those whom the owner names bring documents, too`() async throws {
    try await ClosedIndex.with { index in
      let (owner, other) = (try index.member(1, .publisher), try index.member(2, .publisher))
      #expect(try owner.ask(#"{"id":5,"op":"claim","prefix":"data/cats/"}"#).outcome == "200")
      let allow = #"{"id":5,"op":"claim","prefix":"data/cats/","change":"allow","peer":"00000002"}"#
      #expect(try other.ask(allow).outcome == "403 forbidden")
      #expect(try owner.ask(allow).rows("claims").first?.rows("allowed").count == 1)
      #expect(try other.ask(Wire.add(Wire.document("data/cats/2")))["added"]?.integer == 1)
      #expect(try other.ask(#"{"id":5,"op":"claim"}"#).rows("claims").count == 1)
    }
  }
}
