// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// An index on this machine and a peer on each host of a lab, named p0, p1, …
struct LabPeers {
  private static let timeout = Duration.seconds(30)
  /// The processes of the peers, by number.
  let pids: [Int32]
  private let lab: NetworkLab
  private let executables: String
  private let directory: String
  private let services: Services
  private let index: Int32

  /// - Parameters:
  ///   - executables: the directory of a release build.
  ///   - directory: an empty directory for all state.
  ///   - hidden: the port of one more at 127.0.0.1 of this machine, which others reach through a relay only.
  init(
    in lab: NetworkLab, executables: String, directory: String, services: Services, hidden: UInt16? = nil
  ) throws {
    self.lab = lab
    self.executables = executables
    self.directory = directory
    self.services = services
    let address = "\(lab.address):7734"
    index = try services.start(
      executables + "/p2p-index", ["--open", "--listen", address, "--state", directory + "/index"],
      log: directory + "/index.log")
    let ip = try Tool.installed("ip")
    let listens = (0..<lab.hosts).map { "\(lab.address(of: $0)):0" } + (hidden.map { ["127.0.0.1:\($0)"] } ?? [])
    pids = try listens.enumerated().map { host, listen in
      let state = "\(directory)/\(host)"
      guard mkdir(state, 0o700) == 0 else { throw BenchFailure.system(state) }
      let command = [
        executables + "/p2p-peer", "--name", "p\(host)", "--state", state + "/state", "--socket", state + "/socket",
        "--index", address, "--listen", listen,
      ]
      let wrapped = host < lab.hosts ? [ip] + lab.arguments(on: host, command) : command
      return try services.start(wrapped[0], Array(wrapped.dropFirst()), log: state + "/log")
    }
    let areConnected = eventuallyOnThread(within: Self.timeout) {
      guard let peers = try? p2pctl(0).run(socket(0) + ["peers", "--json"]).output else { return false }
      return peers.split(separator: "\n").count { $0.hasPrefix("{") } == listens.count
    }
    guard areConnected else { throw BenchFailure("\(listens.count) peers are not connected after \(Self.timeout)") }
  }

  private func p2pctl(_ host: Int) -> Tool {
    Tool(path: executables + "/p2pctl", scratch: "\(directory)/\(host)")
  }

  /// Writes a new document and shares it.
  /// - Returns: its key.
  func share(_ name: String, size: Int, seed: UInt64, by hosts: [Int]) throws -> String {
    let path = "\(directory)/\(name)"
    try TextFile.write(Documents.pattern(size, seed: seed), to: path)
    for host in hosts { try p2pctl(host).run(socket(host) + ["add", path]) }
    return "file/\(name)"
  }

  /// The fetches of one document by some hosts, started together.
  struct Fetches {
    /// From the start of the first to the end of the last.
    let elapsed: Duration
    /// Processor time of all downloaders in seconds.
    let processorTime: Double
    /// The last line of each.
    let replies: [JSONValue]
  }

  /// - Parameter meanwhile: called every few milliseconds.
  func fetch(
    _ key: String, size: Int, by hosts: [Int], options: [String] = [], within timeout: Duration = .seconds(240),
    meanwhile: () throws -> Void = {}
  ) throws -> Fetches {
    let before = try hosts.map { try ProcessorTime.of(pids[$0]) }.reduce(0, +)
    let start = ContinuousClock.now
    let tools = try hosts.map { host in
      try p2pctl(host).start(socket(host) + ["get", key, "-o", target(host), "--json"] + options)
    }
    let outcomes = try RunningTool.waitForAll(tools, within: timeout, meanwhile: meanwhile)
    let elapsed = zip(tools, outcomes).map { $0.start - start + $1.elapsed }.max() ?? .zero
    let used = try hosts.map { try ProcessorTime.of(pids[$0]) }.reduce(0, +) - before
    for host in hosts { try TextFile.discard(target(host), size: size) }
    return Fetches(
      elapsed: elapsed, processorTime: outcomes.map(\.processorTime).reduce(used, +),
      replies: try outcomes.map { try Reply.last(in: $0.output) })
  }

  /// Ends all peers and the index.
  func end() {
    services.end([index] + pids)
  }

  private func socket(_ host: Int) -> [String] { ["--socket", "\(directory)/\(host)/socket"] }
  private func target(_ host: Int) -> String { "\(directory)/\(host)/fetched" }
}

/// Answers of `p2pctl --json`.
enum Reply {
  static func last(in output: String) throws -> JSONValue {
    guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
      throw BenchFailure("no JSON in: \(output)")
    }
    return try Jansson.decode(Array(line.utf8))
  }

  /// The number of sources that have sent something.
  static func sourcesUsed(in reply: JSONValue) -> Int {
    reply["sources"]?.array?.count { $0["bytes"]?.integer ?? 0 > 0 } ?? 0
  }
}
