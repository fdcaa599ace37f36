// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Downloads from another peer and from nginx.
extension Bench {
  func measureTransfers(_ round: Int) throws {
    let target = directory + "/fetched"
    let curl = Tool(path: try Tool.installed("curl"), scratch: directory)
    let aria2 = Tool(path: try Tool.installed("aria2c"), scratch: directory)
    try measureLarge(round, target, curl, aria2)
    for _ in 0..<effort.repetitions { try measureSmall(round, target, curl, aria2) }
    try measureMany(round, target, curl)
  }

  private func measureLarge(_ round: Int, _ target: String, _ curl: Tool, _ aria2: Tool) throws {
    let own = try installation.timed("bob") {
      try installation.run("bob", "get", documents.largeKey, "-o", target, "--no-share")
    }
    try TextFile.discard(target, size: effort.largeSize)
    add(Sample(.largeGet, Figure.own, round: round, value: own.elapsed.inSeconds, processorTime: own.processorTime))
    let plain = try curl.run(["-sSf", "-o", target, address("large.bin")])
    try TextFile.discard(target, size: effort.largeSize)
    add(
      Sample(.largeGet, Figure.curl, round: round, value: plain.elapsed.inSeconds, processorTime: plain.processorTime))
    // The Metalink names the target file; aria2 verifies pieces as they arrive.
    let checked = try aria2.run(Self.aria2Options + ["-d", directory, "-M", documents.large + ".meta4"])
    try TextFile.discard(directory + "/large.bin", size: effort.largeSize)
    add(
      Sample(
        .largeGet, Figure.aria2, round: round, value: checked.elapsed.inSeconds, processorTime: checked.processorTime))
  }

  private func measureSmall(_ round: Int, _ target: String, _ curl: Tool, _ aria2: Tool) throws {
    let number = 1
    let own = try installation.timed("bob") {
      try installation.run("bob", "get", Documents.key(number), "-o", target, "--no-share")
    }
    try TextFile.discard(target, size: Documents.smallSize)
    add(Sample(.smallGet, Figure.own, round: round, milliseconds: own.elapsed, own.processorTime))
    let path = address("small/\(Documents.name(number))")
    let plain = try curl.run(["-sSf", "-o", target, path])
    try TextFile.discard(target, size: Documents.smallSize)
    add(Sample(.smallGet, Figure.curl, round: round, milliseconds: plain.elapsed, plain.processorTime))
    let sum = try Tool(path: Tool.installed("sha256sum"), scratch: directory)
      .run(["\(documents.small)/\(Documents.name(number))"]).output.prefix(64)
    let checked = try aria2.run(
      Self.aria2Options + ["-d", directory, "-o", "fetched", "--checksum=sha-256=\(sum)", path])
    try TextFile.discard(target, size: Documents.smallSize)
    add(Sample(.smallGet, Figure.aria2, round: round, milliseconds: checked.elapsed, checked.processorTime))
  }

  /// One process of each kind fetches all small files in turn.
  private func measureMany(_ round: Int, _ target: String, _ curl: Tool) throws {
    guard mkdir(target, 0o700) == 0 else { throw BenchFailure.system(target) }
    let list = directory + "/list"
    let numbers = 0..<Documents.smallCount
    try TextFile.write(
      numbers.map { "get \(Documents.key($0)) -o \(target)/\($0) --no-share\n" }.joined(), to: list)
    let own = try installation.timed("bob") { try installation.p2pctl.run(["--peer", "bob", "repl"], input: list) }
    try discardAll(target)
    add(Sample(.manyGets, Figure.own, round: round, value: own.elapsed.inSeconds, processorTime: own.processorTime))
    try TextFile.write(
      numbers.map { "url=\(address("small/\(Documents.name($0))"))\noutput=\(target)/\($0)\n" }.joined(), to: list)
    let plain = try curl.run(["-sSf", "-K", list])
    try discardAll(target)
    add(
      Sample(.manyGets, Figure.curl, round: round, value: plain.elapsed.inSeconds, processorTime: plain.processorTime))
    guard rmdir(target) == 0 else { throw BenchFailure.system(target) }
  }

  static let aria2Options = [
    "--no-conf", "--quiet", "--file-allocation=none", "--split=1", "--max-connection-per-server=1",
    "--allow-overwrite=true", "--auto-file-renaming=false",
  ]

  private func address(_ path: String) -> String { "http://\(rivals.nginx)/\(path)" }

  private func discardAll(_ directory: String) throws {
    for number in 0..<Documents.smallCount { try TextFile.discard("\(directory)/\(number)", size: Documents.smallSize) }
  }
}

extension Sample {
  init(_ figure: Figure.ID, _ contender: String, round: Int, milliseconds: Duration, _ processorTime: Double? = nil) {
    self.init(figure, contender, round: round, value: milliseconds.inMilliseconds, processorTime: processorTime)
  }
}
