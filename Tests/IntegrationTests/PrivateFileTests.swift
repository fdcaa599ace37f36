// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// What a member, whose pass is right, gets from the real peer of another: what is shared now, and nothing else.
@Suite(.serialized) struct PrivateFileTests {
  /// Asks the peer of a network's first machine for contents, as a member.
  private struct Thief {
    private let uploads: Endpoint
    private let identity: PeerIdentity
    private let pass: String

    init(in network: ClosedInstallation) async throws {
      uploads = try await network.uploads
      identity = try network.identity("mallory")
      let now = Timestamp(seconds: Int64(time(nil)))
      pass = try #require(try network.issuer.pass(for: identity.id, as: .publisher, at: now)).text
    }

    /// On a connection of its own: bytes follow a reply that grants something.
    private func ask(_ request: String) async throws -> JSONValue {
      let session = try await SecureClient.connect(
        to: uploads, as: identity, sending: [SecureClient.hello(identity, pass: pass), "{\"id\":2,\(request)}"])
      let hello = try #require(try await session.line())
      #expect(hello["status"]?.integer == 200, "\(hello)")
      let reply = try #require(try await session.line())
      await session.close()
      return reply
    }

    func has(_ held: ProvenBytes) async throws -> Bool {
      try await ask(#""op":"have",\#(held.named)"#)["complete"] == true
    }

    func get(_ held: ProvenBytes) async throws -> JSONValue {
      try await ask(#""op":"get",\#(held.named),"offset":0,"length":\#(held.bytes.count)"#)
    }

    /// Whether a peer says of all that can be asked of a content that it is not shared.
    func isRefused(_ held: ProvenBytes) async throws -> Bool {
      let hashes = #""op":"hashes",\#(held.named),"layer":0,"index":0,"length":1"#
      for reply in [try await ask(#""op":"have",\#(held.named)"#), try await ask(hashes), try await get(held)]
      where reply["error"]?.string != "not-found" {
        return false
      }
      return true
    }
  }

  @Test func `only what is shared is served: no other file, nothing removed, no key and no catalogue`() async throws {
    try await ClosedInstallation.with { network in
      let alice = network.first
      let (shared, removed, other) = (
        try ProvenBytes(pattern(1000)), try ProvenBytes(pattern(1000, seed: 2)), try ProvenBytes(pattern(1000, seed: 3))
      )
      let directory = alice.directory
      try await alice.run("alice", "add", try directory.write("shared", shared.bytes))
      try await alice.run("alice", "add", try directory.write("removed", removed.bytes))
      try directory.write("other", other.bytes)
      let thief = try await Thief(in: network)
      for held in [shared, removed] { #expect(try await thief.has(held)) }
      try await alice.run("alice", "remove", "file/removed")
      #expect(try await thief.isRefused(removed))
      #expect(try await thief.isRefused(other))

      // Neither in their places, nor as copies or links elsewhere; a tree is shared without them.
      let state = alice.home.file("state/alice")
      let tree = directory.file("tree")
      mkdir(tree, 0o700)
      let names = try FileManager.default.contentsOfDirectory(atPath: state).filter {
        $0 == "key.pem" || $0.contains("sqlite")
      }
      #expect(names.contains("key.pem") && names.count >= 2, "\(names)")
      for name in names {
        let bytes = try #require(TemporaryDirectory.read(state + "/" + name))
        // The index of a journal alone says nothing.
        if !name.hasSuffix("-shm") { try directory.write("tree/copy-" + name, bytes) }
        #expect(link(state + "/" + name, tree + "/link-" + name) == 0)
        #expect(symlink(state + "/" + name, tree + "/symbolic-" + name) == 0)
        for path in [state + "/" + name, tree + "/link-" + name, tree + "/symbolic-" + name] {
          #expect(try await alice.outcome(["--peer", "alice", "add", path]).status == 66, "\(path)")
        }
      }
      _ = try await alice.outcome(["--peer", "alice", "add", "-r", tree])
      #expect(try await network.keys(alice) == ["file/shared"])
      let key = try ProvenBytes(try #require(TemporaryDirectory.read(state + "/key.pem")))
      #expect(try await thief.isRefused(key))
      #expect(try await thief.has(shared))
    }
  }

  /// The owner of the file, or a program that writes there, puts a link to a secret in its place.
  @Test func `share whose file became a link to a secret is not served`() async throws {
    try await ClosedInstallation.with { network in
      let alice = network.first
      let (shared, secret) = (try ProvenBytes(pattern(1000)), try ProvenBytes(pattern(1000, seed: 2)))
      let path = try alice.directory.write("shared", shared.bytes)
      let large = try ProvenBytes(pattern(1_000_000))
      let directory = alice.directory.file("directory")
      mkdir(directory, 0o700)
      let inner = try alice.directory.write("directory/large", large.bytes)
      try await alice.run("alice", "add", path)
      try await alice.run("alice", "add", inner)
      let thief = try await Thief(in: network)
      for held in [shared, large] { #expect(try await thief.has(held)) }

      // With the times and the size of the file that was hashed; then a directory on the way.
      try alice.directory.write("secret", secret.bytes)
      let times = try await Program(path: "/bin/sh").run(
        "-c",
        "cd '\(alice.directory.path)' && touch -r shared secret && ln -sf secret shared && mkdir elsewhere && "
          + "cp -p directory/large elsewhere/large && mv directory old && ln -s elsewhere directory")
      #expect(times.status == 0, "\(times.errors)")
      for held in [shared, large] {
        let reply = try await thief.get(held)
        #expect(["changed", "not-found"].contains(reply["error"]?.string), "\(reply)")
        let isGone = try await eventually { try await thief.isRefused(held) }
        #expect(isGone, "it is withdrawn")
      }
      #expect(try await thief.isRefused(secret))
    }
  }
}
