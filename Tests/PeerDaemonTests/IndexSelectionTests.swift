// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct IndexSelectionTests {
  private let directory: TemporaryDirectory
  private let configured = Endpoint(host: "127.0.0.1", port: 1)
  private let chosen = Endpoint(host: "::1", port: 2)

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// Runs `body` with the state as a start finds it.
  private func withSelection(_ body: (IndexSelection, Catalogue) throws -> Void) throws {
    let catalogue = try Catalogue(directory: directory.file("state"))
    let known = try KnownIndexes(catalogue: catalogue)
    try body(try IndexSelection(settings: configured, catalogue: catalogue, known: known), catalogue)
    catalogue.close()
  }

  @Test func `choice survives a restart until it is taken back`() throws {
    try withSelection { selection, _ in
      #expect(selection.current == (configured, .settings))
      try selection.choose(chosen)
      #expect(selection.current == (chosen, .connect))
    }
    try withSelection { selection, _ in
      #expect(selection.current == (chosen, .connect))
      try selection.choose(nil)
      #expect(selection.current == (configured, .settings))
    }
    try withSelection { selection, _ in #expect(selection.current == (configured, .settings)) }
  }

  @Test func `reloaded settings apply without a choice only`() throws {
    let other = Endpoint(host: "192.0.2.1", port: 3)
    try withSelection { selection, _ in
      selection.reload(settings: other)
      #expect(selection.current == (other, .settings))
      try selection.choose(chosen)
      selection.reload(settings: configured)
      #expect(selection.current == (chosen, .connect))
      try selection.choose(nil)
      #expect(selection.current == (configured, .settings))
    }
  }

  @Test func `a request chooses nothing after a later one has begun, and is ended by it`() throws {
    try withSelection { selection, _ in
      nonisolated(unsafe) var ended: [String] = []
      let join = selection.begin(ending: { ended.append("join") })
      #expect(selection.counts(join) && ended.isEmpty)
      let connect = selection.begin()
      #expect(ended == ["join"] && !selection.counts(join))
      let later = try selection.choose(chosen, in: connect)
      let earlier = try selection.choose(configured, in: join)
      #expect(later && !earlier)
      #expect(selection.current == (chosen, .connect))
      _ = selection.begin()
      #expect(ended == ["join"], "it is ended once")
    }
    try withSelection { selection, _ in #expect(selection.current == (chosen, .connect)) }
  }

  @Test func `unreadable stored choice is ignored`() throws {
    try withSelection { _, catalogue in try catalogue.set("index", to: "not an address") }
    try withSelection { selection, _ in #expect(selection.current == (configured, .settings)) }
  }

  @Test func `index whose id is known is the same at each address, and no other one is`() throws {
    let catalogue = try Catalogue(directory: directory.file("state"))
    defer { catalogue.close() }
    let known = try KnownIndexes(catalogue: catalogue)
    let selection = try IndexSelection(settings: configured, isOwn: true, catalogue: catalogue, known: known)
    let (unknown, own) = (selection.place(of: chosen), selection.place(of: configured))
    let (first, second) = (PeerID(digest: .zero), try #require(PeerID(hex: String(repeating: "1", count: 64))))
    known.remember(first, at: chosen)
    let place = selection.place(of: chosen)
    #expect(place != unknown)
    known.remember(first, at: Endpoint(host: "192.0.2.1", port: 3))
    #expect(selection.place(of: Endpoint(host: "192.0.2.1", port: 3)) == place)
    known.remember(second, at: chosen)
    #expect(selection.place(of: chosen) != place)
    known.remember(second, at: configured)
    #expect(selection.place(of: configured) == own, "that of the own supervisor, wherever it is and whatever its key")
  }
}
