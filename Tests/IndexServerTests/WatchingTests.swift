// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing
import WireProtocol

/// Watches over the wire.
@Suite struct WatchingTests {
  private let watchAll = #"{"id":9,"op":"watch"}"#

  /// What an event says, in short.
  private func text(_ event: JSONValue) -> String {
    let what = [event["event"], event["change"], event["key"] ?? event["holder"]?["name"]].compactMap { $0?.string }
    return what.joined(separator: " ") + " \(event["seq"]?.integer ?? 0)"
  }

  private func events(_ count: Int, of connection: RawConnection) throws -> [String] {
    try (0..<count).map { _ in text(try connection.reply()) }
  }

  @Test func `state comes first, then changes in order`() async throws {
    try await ServedIndex.with { served in
      let holder = try served.session()
      _ = try holder.ask(Wire.add(Wire.document("rfc/1")))
      let watcher = try served.session(peer: Wire.bob, name: "bob", port: nil)
      #expect(try watcher.ask(watchAll)["watch"]?.integer == 1)
      #expect(try events(2, of: watcher) == ["document appeared rfc/1 1", "current 2"])
      _ = try holder.ask(Wire.add(Wire.document("rfc/2", content: 2)))
      _ = try holder.ask(Wire.add(Wire.document("rfc/1", "Other title")))
      _ = try holder.ask(Wire.remove("rfc/1"))
      #expect(
        try events(3, of: watcher)
          == ["document appeared rfc/2 3", "document updated rfc/1 4", "document gone rfc/1 5"])
      holder.reset()
      #expect(try events(1, of: watcher) == ["document gone rfc/2 6"])
    }
  }

  @Test func `holders of a content join, complete and leave`() async throws {
    try await ServedIndex.with { served in
      let watcher = try served.session(peer: Wire.bob, name: "bob", port: nil)
      let root = Wire.root(1)
      #expect(try watcher.ask(#"{"id":9,"op":"watch","content":"\#(root)","size":10}"#)["watch"]?.integer == 1)
      #expect(try events(1, of: watcher) == ["current 1"])
      let holder = try served.session()
      let document = Wire.document("rfc/1")
      _ = try holder.ask(Wire.add(document.dropLast() + #","complete":false}"#))
      _ = try holder.ask(Wire.add(document))
      let joined = try watcher.reply()
      #expect(text(joined) == "holder joined alice 2")
      #expect(joined["holder"]?["complete"]?.bool == false)
      #expect(joined["holder"]?["host"]?.string == "127.0.0.1")
      #expect(try events(1, of: watcher) == ["holder completed alice 3"])
      holder.reset()
      #expect(try events(1, of: watcher) == ["holder left alice 4"])
    }
  }

  @Test func `several watches of a session have numbers and end by them`() async throws {
    var limits = IndexLimits()
    limits.watches = 2
    try await ServedIndex.with(limits: limits) { served in
      let watcher = try served.session()
      #expect(try watcher.ask(#"{"id":9,"op":"watch","key":"rfc/1"}"#)["watch"]?.integer == 1)
      #expect(try events(1, of: watcher) == ["current 1"])
      #expect(try watcher.ask(#"{"id":10,"op":"watch","prefix":"data/","words":"cat"}"#)["watch"]?.integer == 2)
      #expect(try events(1, of: watcher) == ["current 1"])
      let refused = try watcher.ask(watchAll)
      #expect(refused.outcome == "429 too-many" && refused["limit"]?.string == "watches")
      #expect(try watcher.ask(#"{"id":11,"op":"unwatch","watch":1}"#).outcome == "200")
      #expect(try watcher.ask(#"{"id":12,"op":"unwatch","watch":1}"#).outcome == "404 not-found")
      #expect(try watcher.ask(watchAll)["watch"]?.integer == 3)
      #expect(try events(1, of: watcher) == ["current 1"])
      #expect(try watcher.ask(#"{"id":13,"op":"stats"}"#)["watches"]?.integer == 2)
      let other = try served.session(peer: Wire.bob, name: "bob", port: nil)
      watcher.reset()
      #expect(await eventually { (try? other.ask(#"{"id":13,"op":"stats"}"#)["watches"]?.integer) == 0 })
    }
  }

  @Test func `watcher that does not read is told of the overflow and hurts nobody`() async throws {
    try await ServedIndex.with { served in
      let watcher = try served.session(peer: Wire.bob, name: "bob", port: nil)
      _ = try watcher.ask(watchAll)
      #expect(try events(1, of: watcher) == ["current 1"])
      let holder = try served.session()
      let title = String(repeating: "words ", count: 80)
      var number = 0
      while try holder.ask(#"{"id":13,"op":"stats"}"#)["watches"]?.integer == 1, number < 60_000 {
        let documents = (0..<500).map { Wire.document("file/\(number + $0)", title, content: number + $0 + 1) }
        #expect(try holder.ask(Wire.add(documents))["added"]?.integer == 500)
        number += 500
      }
      var (last, count) = (try watcher.reply(), 2)
      while last["event"]?.string == "document" {
        #expect(last["seq"]?.integer == Int64(count))
        last = try watcher.reply()
        count += 1
      }
      #expect(last["event"]?.string == "overflow" && last["seq"]?.integer == Int64(count))
      #expect(count < number)
      #expect(try watcher.ask(#"{"id":14,"op":"unwatch","watch":1}"#).outcome == "404 not-found")
      #expect(try holder.ask(#"{"id":13,"op":"stats"}"#)["watches"]?.integer == 0)
    }
  }

  @Test func `large state is told at the pace of its reader, without overflow`() async throws {
    try await ServedIndex.with { served in
      let holder = try served.session()
      let title = String(repeating: "words ", count: 80)
      let count = 12_000
      for start in stride(from: 0, to: count, by: 500) {
        let documents = (start..<start + 500).map { Wire.document("file/\($0)", title, content: $0 + 1) }
        _ = try holder.ask(Wire.add(documents))
      }
      let watcher = try served.session(peer: Wire.bob, name: "bob", port: nil)
      _ = try watcher.ask(watchAll)
      // Nothing is read for a while: what fits the buffers of the system is sent.
      _ = try holder.ask(Wire.add(Wire.document("file/a", content: 900_001)))
      var keys = Set<String>()
      while true {
        let event = try watcher.reply()
        guard event["event"]?.string == "document" else {
          #expect(event["event"]?.string == "current")
          break
        }
        keys.insert(event["key"]?.string ?? "")
      }
      #expect(keys.count == count + 1)
      let freshness = try holder.ask(#"{"id":13,"op":"stats"}"#)["freshness"]
      #expect((freshness?["max"]?.integer ?? 0) > 0)
    }
  }
}
