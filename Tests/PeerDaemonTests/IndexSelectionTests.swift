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
    try body(try IndexSelection(settings: configured, catalogue: catalogue), catalogue)
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

  @Test func `unreadable stored choice is ignored`() throws {
    try withSelection { _, catalogue in try catalogue.set("index", to: "not an address") }
    try withSelection { selection, _ in #expect(selection.current == (configured, .settings)) }
  }
}
