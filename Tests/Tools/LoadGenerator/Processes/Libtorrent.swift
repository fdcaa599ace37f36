// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// Peers that run libtorrent for Python, if it is installed (package python3-libtorrent).
struct Libtorrent {
  private static let timeout = Duration.seconds(240)

  /// A process with an address of its own, started by a program such as ip(8) with some arguments in front.
  struct Host {
    let address: String
    let wrapper: (_ command: [String]) throws -> [String]
  }

  struct Outcome {
    /// From adding the torrent to all pieces, for the last downloader.
    let seconds: Double
    /// Processor time of all downloaders in seconds.
    let processorTime: Double
  }

  private let python: String
  private let directory: String
  private let script: String
  private let services: Services

  /// - Parameter directory: an empty one for all files.
  /// - Returns: `nil` if it is not installed.
  init?(directory: String, services: Services) throws {
    guard let python = try? Tool.installed("python3"),
      (try? Tool(path: python, scratch: directory).run(["-c", "import libtorrent"])) != nil
    else { return nil }
    self.python = python
    self.directory = directory
    self.services = services
    script = directory + "/peer.py"
    try TextFile.write(Self.text, to: script)
  }

  /// Makes a v2 torrent with pieces of 256 KiB.
  func torrent(of file: String) throws -> String {
    let path = directory + "/torrent"
    try Tool(path: python, scratch: directory).run([script, "make", file, path])
    return path
  }

  /// The first host seeds, the others download at the same time, each connected to all.
  /// - Parameters:
  ///   - source: the file of the torrent.
  ///   - target: a directory for the copies.
  ///   - started: called when the seed has checked its file, before the others start.
  func run(
    _ torrent: String, of source: (directory: String, file: String, size: Int), to target: String, hosts: [Host],
    started: () throws -> Void = {}
  ) throws -> Outcome {
    let start = directory + "/start"
    unlink(start)
    var pids: [Int32] = []
    var logs: [String] = []
    defer {
      services.end(pids)
      for log in logs { unlink(log) }
    }
    for (number, host) in hosts.enumerated() {
      let copy = "\(target)/lt\(number)"
      guard number == 0 || mkdir(copy, 0o700) == 0 || errno == EEXIST else { throw BenchFailure.system(copy) }
      let log = "\(directory)/\(number).log"
      let others = hosts.map(\.address).filter { $0 != host.address }
      // The seed checks its file at once: the torrent exists.
      let arguments = number == 0 ? [source.directory, host.address, torrent] : [copy, host.address, start]
      let command = try host.wrapper([python, script, "peer", torrent] + arguments + others)
      pids.append(try services.start(command[0], Array(command.dropFirst()), log: log))
      logs.append(log)
      try wait { number == 0 ? Self.report(in: log) != nil : TemporaryDirectory.read(log)?.isEmpty == false }
    }
    try started()
    try TextFile.write("", to: start)
    try wait { logs.allSatisfy { Self.report(in: $0) != nil } }
    let reports = logs.dropFirst().compactMap(Self.report)
    for number in 1..<hosts.count {
      try TextFile.discard("\(target)/lt\(number)/\(source.file)", size: source.size)
      rmdir("\(target)/lt\(number)")
    }
    return Outcome(
      seconds: reports.compactMap { $0["seconds"]?.number }.max() ?? .nan,
      processorTime: reports.compactMap { $0["cpu"]?.number }.reduce(0, +))
  }

  private func wait(_ condition: () -> Bool) throws {
    guard eventuallyOnThread(within: Self.timeout, condition) else {
      let said = String(decoding: TemporaryDirectory.read(directory + "/1.log") ?? [], as: UTF8.self)
      throw BenchFailure("libtorrent is not done after \(Self.timeout): \(said)")
    }
  }

  private static func report(in log: String) -> JSONValue? {
    try? Reply.last(in: String(decoding: TemporaryDirectory.read(log) ?? [], as: UTF8.self))
  }
}
