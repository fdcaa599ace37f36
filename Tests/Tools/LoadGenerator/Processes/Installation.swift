// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// This project as users run it: a supervisor with an index and peers in a fresh home.
struct Installation {
  private static let timeout = Duration.seconds(20)

  /// A row of `p2pctl supervisor status`.
  struct Process {
    let pid: Int32
    let address: String
    let isReady: Bool
    var endpoint: Endpoint { get throws { try Endpoint(address) } }
  }

  let p2pctl: Tool
  private let home: String

  private init(executables: String, directory: String) throws {
    home = directory + "/home"
    guard mkdir(home, 0o700) == 0 else { throw BenchFailure.system(home) }
    p2pctl = Tool(path: executables + "/p2pctl", environment: ["P2P_HOME": home], scratch: directory)
  }

  /// - Parameters:
  ///   - executables: the directory of a release build.
  ///   - directory: an empty directory.
  ///   - peers: their names.
  init(executables: String, directory: String, peers: [String] = ["alice", "bob"], services: Services) throws {
    try self.init(executables: executables, directory: directory)
    try start(
      executables, ["--serve-index", "127.0.0.1:0"] + peers.flatMap { ["--peer", $0] }, waitingFor: ["index"] + peers,
      services)
  }

  /// An index that serves members only, and a peer, all by TLS although it is one machine.
  init(closed executables: String, directory: String, peer: String, services: Services) throws {
    try self.init(executables: executables, directory: directory)
    guard mkdir(home + "/config", 0o700) == 0 else { throw BenchFailure.system(home) }
    let settings = """
      [index]
      listen = "127.0.0.1:0"
      [network]
      open = false
      plain = "never"
      [peers.\(peer)]
      """
    try TextFile.write(settings, to: home + "/config/p2p.toml")
    try start(executables, [], waitingFor: ["index", peer], services)
  }

  /// What somebody who was invited has: nothing that runs. `join` starts it.
  init(invited executables: String, directory: String, services: Services) throws {
    try self.init(executables: executables, directory: directory)
    services.atEnd { [p2pctl] in _ = try? p2pctl.run(["supervisor", "stop"]) }
  }

  private func start(
    _ executables: String, _ options: [String], waitingFor names: [String], _ services: Services
  ) throws {
    _ = try services.start(
      executables + "/p2p-supervisor", ["run"] + options, environment: p2pctl.environment,
      log: p2pctl.scratch + "/supervisor.log")
    try wait(for: names)
  }

  /// The control socket of a peer or of the supervisor.
  func socket(_ name: String) -> String { "\(home)/run/\(name).sock" }

  func process(_ name: String) throws -> Process {
    let output = try p2pctl.run(["supervisor", "status", "--json"]).output
    for line in output.split(separator: "\n") {
      guard let row = try? Jansson.decode(Array(line.utf8)), row["name"]?.string == name else { continue }
      return Process(
        pid: Int32(clamping: row["pid"]?.integer ?? 0), address: row["address"]?.string ?? "",
        isReady: row["state"]?.string == "ready")
    }
    throw BenchFailure("the supervisor has no process \(name)")
  }

  func index() throws -> (endpoint: Endpoint, pid: Int32) {
    let process = try process("index")
    return (try process.endpoint, process.pid)
  }

  func wait(for names: [String]) throws {
    let areReady = eventuallyOnThread(within: Self.timeout) {
      names.allSatisfy { name in (try? process(name))?.isReady == true }
    }
    guard areReady else { throw BenchFailure("not ready within \(Self.timeout): \(names.joined(separator: ", "))") }
  }

  @discardableResult
  func run(_ peer: String, _ arguments: String...) throws -> Tool.Outcome {
    try p2pctl.run(["--peer", peer] + arguments)
  }

  /// Adds the processor time of a peer to that of a front end which waits for it.
  func timed(_ peer: String, _ body: () throws -> Tool.Outcome) throws -> Tool.Outcome {
    let pid = try process(peer).pid
    let before = try ProcessorTime.of(pid)
    let outcome = try body()
    let used = try ProcessorTime.of(pid) - before
    return Tool.Outcome(
      elapsed: outcome.elapsed, processorTime: used + outcome.processorTime, output: outcome.output)
  }
}
