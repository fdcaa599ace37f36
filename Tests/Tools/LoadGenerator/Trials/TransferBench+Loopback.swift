// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// Downloads over loopback to disk.
extension TransferBench {
  private static let pieceSize = 256 << 10
  private static let largeSize = 1 << 30
  private static let crashSize = 512 << 20
  /// In bytes per second.
  private static let crashRate = "100M"
  private static let crashTimeout = Duration.seconds(120)

  func measureLoopback() throws {
    report("loopback: starting an index, four peers and nginx")
    let documents = try Self.make(directory + "/loopback")
    let file = documents + "/large.bin"
    try TextFile.write(Documents.pattern(Self.largeSize, seed: 1), to: file)
    let sources = ["alice", "carol", "dave"]
    let installation = try Installation(
      executables: executables, directory: try Self.make(disk + "/loopback"), peers: ["bob"] + sources,
      services: services)
    for source in sources { try installation.run(source, "add", file) }
    let nginx = try NginxServer.start(directory: documents, documents: documents, services: services)
    try Metalink.write(for: file, at: "http://\(nginx)/large.bin", pieceSize: Self.pieceSize)
    let torrent = try libtorrent?.torrent(of: file)
    let aria2 = Tool(path: try Tool.installed("aria2c"), scratch: documents)
    for round in 1..<rounds + 1 {
      report("loopback: round \(round) of \(rounds)")
      let one = try fetch(installation, "--from", "alice")
      add(.oneSource, Figure.own, round, one.elapsed, one.processorTime)
      add(.threeSources, Figure.oneSource, round, one.elapsed, one.processorTime)
      // The Metalink names the target file; aria2 verifies pieces as they arrive.
      sync()
      let checked = try aria2.run(Bench.aria2Options + ["-d", disk, "-M", file + ".meta4"])
      try TextFile.discard(disk + "/large.bin", size: Self.largeSize)
      add(.oneSource, Figure.aria2Pieces, round, checked.elapsed, checked.processorTime)
      for (name, isDurable) in [(Figure.limitProgram, false), (Figure.durableLimitProgram, true)] {
        sync()
        let limit = try LimitProgram.run(from: file, to: target, isDurable: isDurable)
        try TextFile.discard(target, size: Self.largeSize)
        add(.oneSource, name, round, limit.elapsed, limit.processorTime)
      }
      let three = try fetch(installation)
      add(.threeSources, Figure.own, round, three.elapsed, three.processorTime)
      let used = Reply.sourcesUsed(in: try Reply.last(in: three.output))
      add(Sample(.sourcesUsed, Figure.own, round: round, value: Double(used)))
      if let libtorrent, let torrent { try measure(libtorrent, torrent, in: documents, round) }
    }
    unlink(file)
  }

  private var target: String { disk + "/fetched" }

  /// Data of earlier downloads is written to disk before, to not slow this one.
  private func fetch(_ installation: Installation, _ options: String...) throws -> Tool.Outcome {
    sync()
    let outcome = try installation.timed("bob") {
      try installation.p2pctl.run(
        ["--peer", "bob", "get", "file/large.bin", "-o", target, "--no-share", "--json"] + options)
    }
    try TextFile.discard(target, size: Self.largeSize)
    return outcome
  }

  private func measure(_ libtorrent: Libtorrent, _ torrent: String, in documents: String, _ round: Int) throws {
    sync()
    let hosts = try (0..<2).map { _ in
      Libtorrent.Host(address: "127.0.0.1:\(try LoopbackPort.free())") { $0 }
    }
    let outcome = try libtorrent.run(
      torrent, of: (documents, "large.bin", Self.largeSize), to: disk, hosts: hosts)
    add(.oneSource, Figure.libtorrent, round, .seconds(outcome.seconds), outcome.processorTime)
  }

  private func add(
    _ figure: Figure.ID, _ contender: String, _ round: Int, _ elapsed: Duration, _ processorTime: Double
  ) {
    let rate = Double(Self.largeSize) / 1e6 / elapsed.inSeconds
    add(Sample(figure, contender, round: round, value: rate, processorTime: processorTime))
  }

  // MARK: Crash of the downloader

  /// The supervisor restarts the downloader; its job continues without help.
  func measureCrashes() throws {
    report("crash: starting an index and two peers")
    let documents = try Self.make(directory + "/crash")
    let installation = try Installation(
      executables: executables, directory: try Self.make(disk + "/crash"), services: services)
    try installation.run("bob", "limit", "--down", Self.crashRate)
    let source = try installation.process("alice").pid
    for round in 1..<rounds + 1 {
      report("crash: round \(round) of \(rounds)")
      let file = "\(documents)/half\(round).bin"
      try TextFile.write(Documents.pattern(Self.crashSize, seed: UInt64(round)), to: file)
      try installation.run("alice", "add", file)
      sync()
      let sent = try WrittenBytes.of(source)
      let start = ContinuousClock.now
      try installation.run("bob", "get", "file/half\(round).bin", "-o", target, "--no-share", "--detach")
      try wait(for: installation) { Int($0["received"]?.integer ?? 0) >= Self.crashSize / 2 }
      guard kill(try installation.process("bob").pid, SIGKILL) == 0 else { throw BenchFailure.system("kill") }
      try wait(for: installation) { $0["state"]?.string == "done" }
      let elapsed = ContinuousClock.now - start
      let moved = try WrittenBytes.of(source) - sent
      try Tool(path: Tool.installed("cmp"), scratch: documents).run([file, target])
      try TextFile.discard(target, size: Self.crashSize)
      unlink(file)
      add(Sample(.crash, Figure.own, round: round, value: elapsed.inSeconds))
      let excess = Double(moved - Self.crashSize) / Double(1 << 20)
      add(Sample(.crashExcess, Figure.own, round: round, value: excess))
    }
  }

  /// Waits for a state of the last download. The daemon may be down meanwhile.
  private func wait(for installation: Installation, _ condition: (JSONValue) -> Bool) throws {
    let isReached = eventuallyOnThread(within: Self.crashTimeout) {
      guard let output = try? installation.run("bob", "transfers", "--all", "--json").output else { return false }
      let rows = output.split(separator: "\n").compactMap { try? Jansson.decode(Array($0.utf8)) }
      let last = rows.filter { $0["direction"]?.string == "download" }.max {
        $0["id"]?.integer ?? 0 < $1["id"]?.integer ?? 0
      }
      return last.map(condition) ?? false
    }
    guard isReached else { throw BenchFailure("the download did not get on within \(Self.crashTimeout)") }
  }
}
