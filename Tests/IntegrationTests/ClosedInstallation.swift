// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import LineJSON
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// A closed network on this machine: an index with alice, and a home of another user with bob.
struct ClosedInstallation {
  let first: Installation
  let second: Installation
  let index: Endpoint

  private static let configuration = """
    [index]
    listen = "127.0.0.1:0"
    [network]
    open = false
    [peers.alice]
    """

  static func with(_ body: (ClosedInstallation) async throws -> Void) async throws {
    try await Installation.with(configuration: configuration) { first in
      try await Installation.empty { second in
        let index = try Endpoint(try await first.process("index").address)
        try await body(ClosedInstallation(first: first, second: second, index: index))
      }
    }
  }

  /// A key that is not of any installation.
  func identity(_ name: String) throws -> PeerIdentity {
    try PeerIdentity.loadOrCreate(at: second.directory.file(name + ".pem"))
  }

  /// The key of the index, to make passes as only it can.
  var issuer: PassIssuer {
    get throws { PassIssuer(try PeerIdentity.loadOrCreate(at: first.home.file("state/index/key.pem"))) }
  }

  func invite(_ options: String...) async throws -> Ticket {
    let outcome = try await first.expectSuccess(["network", "invite"] + options)
    return try Ticket(try #require(outcome.lines.first))
  }

  /// Makes bob a member.
  func join(as role: MemberRole = .publisher) async throws {
    let ticket = try await invite("--role", role.rawValue)
    try await second.expectSuccess(["join", ticket.text, "--peer", "bob"])
  }

  func id(_ installation: Installation) async throws -> String {
    let status = try await installation.expectSuccess(["status", "--json"])
    let row = try Jansson.decode(Array(try #require(status.lines.first).utf8))
    return try #require(row["id"]?.string)
  }

  /// Where alice serves what she shares.
  var uploads: Endpoint {
    get async throws { try Endpoint(try await first.process("alice").address) }
  }

  /// The keys of all documents in the network.
  func keys(_ installation: Installation) async throws -> [String] {
    let list = try await installation.expectSuccess(["list", "--json"])
    return try list.lines.compactMap { try Jansson.decode(Array($0.utf8))["key"]?.string }
  }
}
