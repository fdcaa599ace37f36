// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport
import Testing

/// The real programs on two machines: what a network between them sees and may do.
@Suite(.serialized, .enabled(if: TwoMachines.isPossible, "needs root and network namespaces"))
struct SecureTransportTests {
  private static let port = 7734

  /// Index and alice on the first machine, bob on the second.
  private func start(_ machines: TwoMachines) async throws {
    try await machines.first.expect(
      "supervisor", "start", "--serve-index", ":\(Self.port)", "--open", "--peer", "alice")
    try await machines.second.expect(
      "supervisor", "start", "--index", "\(machines.first.address):\(Self.port)", "--peer", "bob")
  }

  /// The id of a key file, as OpenSSL computes it.
  private func id(of key: String, on machine: TwoMachines.Machine) async throws -> String {
    let outcome = try await machine.shell(
      "openssl pkey -in '\(machine.home.file(key))' -pubout -outform DER | sha256sum | cut -c1-64")
    return try #require(outcome.lines.first)
  }

  /// The first line that a plain client on the second machine gets.
  private func plain(_ machines: TwoMachines, port: String) async throws -> String {
    let hello = #"{"id":1,"op":"hello","protocol":1,"peer":"'$(printf %064d 1)'","name":"eve"}"#
    return try await machines.second.shell(
      "exec 3<>/dev/tcp/\(machines.first.address)/\(port); echo '\(hello)' >&3; head -1 <&3"
    ).output
  }

  @Test func `other machines are served by TLS only`() async throws {
    try await TwoMachines.with { machines in
      try await start(machines)
      let file = try machines.first.files.write("paper.txt", pattern(300_000))
      try await machines.first.expect("add", file)
      try await machines.second.expect("get", "file/paper.txt", "-o", machines.second.files.file("got"))
      #expect(TemporaryDirectory.read(machines.second.files.file("got")) == pattern(300_000))
      let holders = try await machines.second.rows("lookup", "file/paper.txt")
      #expect(holders.count == 2 && holders.allSatisfy { $0["proven"] == true })
      let index = try await id(of: "state/index/key.pem", on: machines.first)
      for machine in [machines.first, machines.second] {
        #expect(try await machine.rows("status").first?["index"]?["id"]?.string == index)
      }
      #expect(try await plain(machines, port: "\(Self.port)").contains("tls-required"))
      let uploads = try #require(try await machines.first.rows("status").first?["uploads"]?.string)
      let port = try #require(uploads.split(separator: ":").last.map(String.init))
      #expect(try await plain(machines, port: port).contains("tls-required"))
      for target in ["\(Self.port)", port] {
        let probe = "openssl s_client -connect \(machines.first.address):\(target) -quiet < /dev/null"
        #expect(try await machines.second.shell(probe + " -tls1_2").status != 0)
        #expect(try await machines.second.shell(probe).errors.contains("certificate required"))
      }
    }
  }

  @Test func `replaced index is refused until a person accepts it`() async throws {
    try await TwoMachines.with { machines in
      try await start(machines)
      let old = try await id(of: "state/index/key.pem", on: machines.first)
      try await machines.first.expect("supervisor", "stop")
      unlink(machines.first.home.file("state/index/key.pem"))
      try await machines.first.expect("supervisor", "start")
      let new = try await id(of: "state/index/key.pem", on: machines.first)
      #expect(new != old)
      let isRefused = try await eventually(within: .seconds(30)) {
        let outcome = try await machines.second.p2pctl("list")
        return outcome.status == 77 && outcome.errors.contains(old) && outcome.errors.contains("--id \(new)")
      }
      #expect(isRefused)
      let file = try machines.second.files.write("x.txt", pattern(10))
      #expect(try await machines.second.p2pctl("add", file).status == 77)
      let address = "\(machines.first.address):\(Self.port)"
      #expect(try await machines.second.p2pctl("connect", address).status == 77)
      #expect(try await machines.second.expect("connect", address, "--id", new).output.contains(new))
      let isAnnounced = try await eventually(within: .seconds(30)) {
        try await machines.second.rows("list").contains { $0["key"]?.string == "file/x.txt" }
      }
      #expect(isAnnounced, "what was added meanwhile is announced")
    }
  }

  @Test func `killed index is found again under its id`() async throws {
    try await TwoMachines.with { machines in
      try await start(machines)
      let file = try machines.first.files.write("paper.txt", pattern(1000))
      try await machines.first.expect("add", file)
      let rows = try await machines.first.rows("supervisor", "status")
      let pid = try #require(rows.first { $0["name"]?.string == "index" }?["pid"]?.integer)
      kill(Int32(pid), SIGKILL)
      let isBack = try await eventually(within: .seconds(30)) {
        try await machines.second.p2pctl("lookup", "file/paper.txt").status == 0
      }
      #expect(isBack)
    }
  }
}
