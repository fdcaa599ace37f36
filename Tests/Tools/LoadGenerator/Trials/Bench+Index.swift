// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Requests to the index, and to Redis for answers of the same length.
extension Bench {
  static let page = 100
  static let redisKey = Documents.key(0)
  static let redisList = "rows"
  static let lookup = LoadRequest.lookup(Documents.key(0))
  static let list = LoadRequest.list(collection: Documents.smallCollection, limit: Int64(page))

  func measureLoad(_ round: Int) throws {
    let get = LoadRequest.redisGet(Self.redisKey)
    let range = LoadRequest.redisRange(Self.redisList, count: Self.page)
    try compare(.lookup, depth: 1, Self.lookup, with: Figure.redisGet, get, round)
    try compare(.pipelinedLookup, depth: 16, Self.lookup, with: Figure.redisGet, get, round)
    try compare(.list, depth: 1, Self.list, with: Figure.redisRange, range, round)
  }

  private func compare(
    _ figure: Figure.ID, depth: Int, _ request: LoadRequest, with rival: String, _ rivalRequest: LoadRequest,
    _ round: Int
  ) throws {
    let index = try installation.index()
    let own = Load(server: index.endpoint, serverProcess: index.pid, depth: depth, duration: effort.load)
    add(Sample(figure, Figure.own, round: round, try own.run(request)))
    let redis = rivals.redis
    let other = Load(server: redis.endpoint, serverProcess: redis.pid, depth: depth, duration: effort.load)
    add(Sample(figure, rival, round: round, try other.run(rivalRequest)))
  }
}

extension Sample {
  init(_ figure: Figure.ID, _ contender: String, round: Int, _ outcome: Load.Outcome) {
    self.init(figure, contender, round: round, value: outcome.rate, processorTime: outcome.processorTime)
  }
}

/// Hashing of files during `add`.
extension Bench {
  private static let blockSize = 16 << 10

  func measureHashing(_ round: Int) throws {
    try forgetLargeFile()
    let peer = try installation.process("alice").pid
    let before = try ProcessorTime.of(peer)
    let added = try installation.run("alice", "add", documents.large)
    let used = try ProcessorTime.of(peer) - before
    let rate = Double(effort.largeSize) / 1e6 / added.elapsed.inSeconds
    add(Sample(.hashing, Figure.own, round: round, value: rate, processorTime: used + added.processorTime))
    add(Sample(.hashing, Figure.openssl, round: round, value: try opensslSpeed()))
  }

  /// Makes the peer hash the file again: a new modification time makes it a different file.
  private func forgetLargeFile() throws {
    try installation.run("alice", "remove", documents.largeKey)
    guard utimensat(AT_FDCWD, documents.large, nil, 0) == 0 else { throw BenchFailure.system(documents.large) }
  }

  /// Megabytes per second on one processor, in blocks of our size.
  private func opensslSpeed() throws -> Double {
    let openssl = Tool(path: try Tool.installed("openssl"), scratch: directory)
    let output = try openssl.run([
      "speed", "-elapsed", "-mr", "-evp", "sha256", "-seconds", "\(effort.speedSeconds)", "-bytes", "\(Self.blockSize)",
    ]).output
    guard let rate = OpenSSLSpeed.bytesPerSecond(in: output) else {
      throw BenchFailure("cannot parse the output of openssl speed:\n\(output)")
    }
    return rate / 1e6
  }
}

/// The output of `openssl speed -mr`: openssl-speed(1).
enum OpenSSLSpeed {
  /// Parses the last line of the form `+F:<number>:<algorithm>:<bytes per second>`.
  static func bytesPerSecond(in output: String) -> Double? {
    output.split(whereSeparator: \.isNewline).last { $0.hasPrefix("+F:") }
      .flatMap { $0.split(separator: ":").last }.flatMap { Double($0) }
  }
}
