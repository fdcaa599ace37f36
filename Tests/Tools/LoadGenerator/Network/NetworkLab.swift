// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// Hosts on one switch: network namespaces behind veth pairs on a bridge, with a limited rate in both directions.
///
/// Needs root, ip(8) and tc(8). All names contain the pid of this process. Everything is removed at the end.
final class NetworkLab {
  /// Why there can be none on this machine; `nil` if it can be tried.
  static var obstacle: String? {
    if getuid() != 0 { return "network namespaces need root" }
    for program in ["ip", "tc"] where (try? Tool.installed(program)) == nil {
      return "\(program) is not installed (package iproute2)"
    }
    return nil
  }

  let hosts: Int
  /// The address of this machine, which is not limited.
  var address: String { "\(network).1" }
  private let network: String
  private let tag: String
  private let ip: Tool
  private let tc: Tool

  /// - Parameters:
  ///   - hosts: at most 200.
  ///   - rate: of each host in Mbit/s.
  ///   - scratch: a directory for the output of tools.
  init(hosts: Int, rate: Int, scratch: String, services: Services) throws {
    self.hosts = hosts
    let pid = Int(getpid())
    tag = "pb\(pid)"
    network = "10.\(64 + pid / 256 % 128).\(pid % 256)"
    ip = Tool(path: try Tool.installed("ip"), scratch: scratch)
    tc = Tool(path: try Tool.installed("tc"), scratch: scratch)
    let (tag, ip) = (tag, ip)
    // Each step is short: an interrupt waits for it, removes what is there, and nothing more is made.
    func step(_ body: () throws -> Void) throws { try services.make(body) }
    services.atEnd { Self.remove(tag, hosts, ip) }
    try step {
      try ip.run(["link", "add", bridge, "type", "bridge"])
      try ip.run(["addr", "add", "\(address)/24", "dev", bridge])
      try ip.run(["link", "set", bridge, "up"])
    }
    for host in 0..<hosts {
      try step { try add(host) }
      try limit(host, to: rate)
    }
  }

  /// Removes everything. Processes in the namespaces must have ended.
  func remove() {
    Self.remove(tag, hosts, ip)
  }

  func address(of host: Int) -> String { "\(network).\(host + 10)" }

  /// The name of the namespace.
  func namespace(of host: Int) -> String { "\(tag)n\(host)" }

  /// Arguments of ip(8) that start a program on a host. The program keeps the pid.
  func arguments(on host: Int, _ command: [String]) -> [String] {
    ["netns", "exec", namespace(of: host)] + command
  }

  /// Sets the rate in both directions, in Mbit/s.
  func limit(_ host: Int, to rate: Int) throws {
    try ip.run(arguments(on: host, [tc.path, "qdisc", "replace", "dev", Self.device] + Self.filter(rate)))
    try tc.run(["qdisc", "replace", "dev", port(host)] + Self.filter(rate))
  }

  private static func filter(_ rate: Int) -> [String] {
    ["root", "tbf", "rate", "\(rate)mbit", "burst", "64kb", "latency", "50ms"]
  }

  /// Limits what this machine sends to the hosts, in Mbit/s.
  func limitThisMachine(to rate: Int) throws {
    try tc.run(["qdisc", "replace", "dev", bridge] + Self.filter(rate))
  }

  /// The bytes that a host has sent, with all headers.
  func sentBytes(by host: Int) throws -> Int { try count("rx_bytes", host) }

  /// The bytes that were sent to a host, with all headers.
  func receivedBytes(by host: Int) throws -> Int { try count("tx_bytes", host) }

  /// A counter of the end of its veth pair on the bridge: what that end receives, the host has sent.
  private func count(_ counter: String, _ host: Int) throws -> Int {
    let path = "/sys/class/net/\(port(host))/statistics/\(counter)"
    let text = String(decoding: TemporaryDirectory.read(path) ?? [], as: UTF8.self)
    guard let bytes = Int(text.split(separator: "\n").first ?? "") else { throw BenchFailure.system(path) }
    return bytes
  }

  /// The network device of a host inside its namespace.
  private static let device = "eth0"
  private var bridge: String { "\(tag)b" }
  /// The end of its veth pair on the bridge.
  private func port(_ host: Int) -> String { "\(tag)v\(host)" }

  private func add(_ host: Int) throws {
    let name = namespace(of: host)
    try ip.run(["netns", "add", name])
    try ip.run(["link", "add", port(host), "type", "veth", "peer", "name", Self.device, "netns", name])
    try ip.run(["link", "set", port(host), "master", bridge, "up"])
    try ip.run(["-n", name, "addr", "add", "\(address(of: host))/24", "dev", Self.device])
    try ip.run(["-n", name, "link", "set", Self.device, "up"])
    try ip.run(["-n", name, "link", "set", "lo", "up"])
  }

  /// What is not there is no error: it is called after an interrupt, too, and twice.
  private static func remove(_ tag: String, _ hosts: Int, _ ip: Tool) {
    for host in 0..<hosts where access("/run/netns/\(tag)n\(host)", F_OK) == 0 {
      // A veth pair lives until the namespace has lost its last socket: remove it first.
      _ = try? ip.run(["link", "del", "\(tag)v\(host)"])
      _ = try? ip.run(["netns", "del", "\(tag)n\(host)"])
    }
    if access("/sys/class/net/\(tag)b", F_OK) == 0 { _ = try? ip.run(["link", "del", "\(tag)b"]) }
  }
}
