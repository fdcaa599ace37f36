// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// Two machines on one network: network namespaces (ip-netns(8)) with a cable between them. Needs root.
final class TwoMachines: Sendable {
  /// One of them.
  struct Machine: Sendable {
    let namespace: String
    let address: String
    let home: TemporaryDirectory
    /// For documents: those below the home are never shared.
    let files: TemporaryDirectory

    /// Runs a command in its namespace.
    @discardableResult
    func run(_ command: String...) async throws -> Program.Outcome { try await run(command) }

    func run(_ command: [String]) async throws -> Program.Outcome {
      try await Program(path: "/usr/sbin/ip", environment: ["P2P_HOME": home.path], directory: home.path)
        .run(["netns", "exec", namespace] + command)
    }

    func p2pctl(_ arguments: String...) async throws -> Program.Outcome {
      try await run([try Program("p2pctl").path] + arguments)
    }

    /// A command of p2pctl that must succeed.
    @discardableResult
    func expect(_ arguments: String...) async throws -> Program.Outcome {
      let outcome = try await run([try Program("p2pctl").path] + arguments)
      guard outcome.status == 0 else {
        throw Program.Failure(description: "p2pctl \(arguments): \(outcome.status)\n\(outcome.output)\(outcome.errors)")
      }
      return outcome
    }

    /// The lines of a command with `--json`.
    func rows(_ arguments: String...) async throws -> [JSONValue] {
      try await run([try Program("p2pctl").path] + arguments + ["--json"]).lines
        .map { try Jansson.decode(Array($0.utf8)) }
    }

    func shell(_ script: String) async throws -> Program.Outcome { try await run("/bin/bash", "-c", script) }
  }

  /// The address of the first machine, 10.77.0.1, has the index.
  let first: Machine
  let second: Machine
  /// Another user of the second machine.
  let stranger: Machine

  static var isPossible: Bool {
    geteuid() == 0 && access("/usr/sbin/ip", X_OK) == 0
      && system("/usr/bin/unshare --net /usr/sbin/ip link add va type veth peer name vb 2>/dev/null") == 0
  }

  private init() throws {
    let suffix = String(UInt32.random(in: 0 ... .max), radix: 36)
    first = Machine(
      namespace: "p2pa\(suffix)", address: "10.77.0.1", home: try TemporaryDirectory(), files: try TemporaryDirectory())
    second = Machine(
      namespace: "p2pb\(suffix)", address: "10.77.0.2", home: try TemporaryDirectory(), files: try TemporaryDirectory())
    stranger = Machine(
      namespace: second.namespace, address: second.address, home: try TemporaryDirectory(),
      files: try TemporaryDirectory())
  }

  static func with(_ body: (TwoMachines) async throws -> Void) async throws {
    let machines = try TwoMachines()
    do {
      try await machines.connect()
      try await body(machines)
    } catch {
      await machines.remove()
      throw error
    }
    await machines.remove()
  }

  private func connect() async throws {
    var script = "set -e; "
    for machine in [first, second] { script += "/usr/sbin/ip netns add \(machine.namespace); " }
    script += "/usr/sbin/ip link add eth0 netns \(first.namespace) type veth peer name eth0 netns \(second.namespace); "
    for machine in [first, second] {
      script += "/usr/sbin/ip -n \(machine.namespace) address add \(machine.address)/24 dev eth0; "
      for link in ["lo", "eth0"] { script += "/usr/sbin/ip -n \(machine.namespace) link set \(link) up; " }
    }
    let outcome = try await Program(path: "/bin/sh").run("-c", script)
    guard outcome.status == 0 else { throw Program.Failure(description: "no namespaces: \(outcome.errors)") }
  }

  private func remove() async {
    for machine in [first, second, stranger] { _ = try? await machine.p2pctl("supervisor", "stop") }
    for machine in [first, second] {
      _ = try? await Program(path: "/usr/sbin/ip").run("netns", "delete", machine.namespace)
    }
  }
}
