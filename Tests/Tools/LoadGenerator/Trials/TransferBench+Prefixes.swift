// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import TestSupport

/// Downloads of many small documents, and the accuracy of limits, in memory.
extension TransferBench {
  private static let count = 10_000
  private static let size = 10_000
  private static let keys = 1_000
  private static let presentCount = 100_000
  /// In bytes per second.
  private static let limits: [(figure: Figure.ID, rate: Int)] = [
    (.limit1, 1_000_000), (.limit10, 10_000_000), (.limit100, 100_000_000),
  ]

  func measurePrefixes() throws {
    report("prefixes: writing \(Self.count) files, starting an index, two peers, nginx and rsync")
    let root = try Self.make(directory + "/prefixes")
    let tree = try Self.make(root + "/cats")
    for number in 0..<Self.count {
      let path = "\(tree)/\(number / 500)"
      if number % 500 == 0 { _ = try Self.make(path) }
      try TextFile.write(Documents.pattern(Self.size, seed: UInt64(number) + 7), to: "\(path)/\(number).bin")
    }
    let installation = try Installation(
      executables: executables, directory: try Self.make(directory + "/prefixes-system"), services: services)
    try installation.run("alice", "add", "-r", tree)
    let nginx = try NginxServer.start(directory: root, documents: root, services: services)
    let rsync = try RsyncServer.start(directory: root, documents: root, services: services)
    let aria2 = Tool(path: try Tool.installed("aria2c"), scratch: root)
    let curl = Tool(path: try Tool.installed("curl"), scratch: root)
    let numbers = 0..<Self.count
    let list = root + "/list"
    try TextFile.write(
      numbers.map { "http://\(nginx)/cats/\($0 / 500)/\($0).bin\n" }.joined(), to: list)
    let target = root + "/fetched"
    for round in 1..<rounds + 1 {
      report("prefixes: round \(round) of \(rounds)")
      let own = try installation.timed("bob") { try installation.run("bob", "get", "file/cats/", "-o", target) }
      add(.prefix, Figure.own, round, own.elapsed, own.processorTime)
      try installation.run("bob", "remove", "-r", "file/cats/")
      try discard(target)
      if let rsync {
        let copied = try rsync.tool.run(["-a", "\(rsync.address)/cats/", target + "/"])
        add(.prefix, Figure.rsync, round, copied.elapsed, copied.processorTime)
        try discard(target)
      }
      let plain = try aria2.run(["--no-conf", "-q", "-j16", "--file-allocation=none", "-d", target, "-i", list])
      add(.prefix, Figure.aria2List, round, plain.elapsed, plain.processorTime)
      try discard(target)
      try measureKeys(round, installation, curl, "http://\(nginx)/cats", target)
    }
    try measurePresent(installation, root)
    try measureLimits(installation, root)
    try discard(root)
  }

  private func measureKeys(
    _ round: Int, _ installation: Installation, _ curl: Tool, _ address: String, _ target: String
  ) throws {
    let numbers = 0..<Self.keys
    let own = try installation.timed("bob") {
      try installation.p2pctl.run(
        ["--peer", "bob", "get", "-o", target, "--no-share"] + numbers.map { "file/cats/\($0 / 500)/\($0).bin" })
    }
    add(.severalKeys, Figure.own, round, own.elapsed, own.processorTime)
    try discard(target)
    let list = target + ".curl"
    _ = try Self.make(target)
    try TextFile.write(
      numbers.map { "url=\(address)/\($0 / 500)/\($0).bin\noutput=\(target)/\($0)\n" }.joined(), to: list)
    let plain = try curl.run(["-sSf", "-K", list])
    add(.severalKeys, Figure.curl, round, plain.elapsed, plain.processorTime)
    try discard(target)
  }

  /// Nothing is missing.
  private func measurePresent(_ installation: Installation, _ root: String) throws {
    report("prefixes: writing and fetching \(Self.presentCount) files")
    let tree = try Self.make(root + "/many")
    for number in 0..<Self.presentCount {
      let path = "\(tree)/\(number / 1000)"
      if number % 1000 == 0 { _ = try Self.make(path) }
      try TextFile.write("\(number)\n", to: "\(path)/\(number)")
    }
    try installation.run("alice", "add", "-r", tree)
    let target = root + "/many-fetched"
    try installation.run("bob", "get", "file/many/", "-o", target)
    for round in 1..<rounds + 1 {
      let own = try installation.timed("bob") { try installation.run("bob", "get", "file/many/", "-o", target) }
      add(.presentPrefix, Figure.own, round, own.elapsed, own.processorTime)
    }
  }

  /// How far a get of five seconds is from its limit.
  private func measureLimits(_ installation: Installation, _ root: String) throws {
    for (figure, rate) in Self.limits {
      report("prefixes: a limit of \(rate / 1_000_000) MB/s")
      let file = "\(root)/limited\(rate).bin"
      try TextFile.write(Documents.pattern(rate * 5, seed: UInt64(rate)), to: file)
      try installation.run("alice", "add", file)
      try installation.run("bob", "limit", "--down", "\(rate)")
      for round in 1..<rounds + 1 {
        let own = try installation.timed("bob") {
          try installation.run("bob", "get", "file/limited\(rate).bin", "-o", root + "/limited", "--no-share")
        }
        let reached = Double(rate * 5) / own.elapsed.inSeconds / Double(rate)
        add(Sample(figure, Figure.own, round: round, value: abs(1 - reached) * 100, processorTime: own.processorTime))
        unlink(root + "/limited")
      }
      unlink(file)
    }
    try installation.run("bob", "limit", "--down", "off")
  }

  private func add(
    _ figure: Figure.ID, _ contender: String, _ round: Int, _ elapsed: Duration, _ processorTime: Double
  ) {
    add(Sample(figure, contender, round: round, value: elapsed.inSeconds, processorTime: processorTime))
  }

  private func discard(_ directory: String) throws {
    try FileManager.default.removeItem(atPath: directory)
  }
}

/// rsync as a daemon; `nil` if it is not installed.
struct RsyncServer {
  let tool: Tool
  let address: String

  static func start(directory: String, documents: String, services: Services) throws -> RsyncServer? {
    guard let path = try? Tool.installed("rsync") else { return nil }
    let port = try LoopbackPort.free()
    let settings = directory + "/rsyncd.conf"
    try TextFile.write(
      """
      use chroot = no
      pid file = \(directory)/rsyncd.pid
      [bench]
      path = \(documents)
      read only = yes
      \(getuid() == 0 ? "uid = root\ngid = root" : "")
      """, to: settings)
    _ = try services.start(
      path, ["--daemon", "--no-detach", "--config=\(settings)", "--address=127.0.0.1", "--port=\(port)"],
      log: directory + "/rsync.log")
    try LoopbackPort.waitForServer(at: .init(host: "127.0.0.1", port: port))
    return RsyncServer(tool: Tool(path: path, scratch: directory), address: "rsync://127.0.0.1:\(port)/bench")
  }
}
