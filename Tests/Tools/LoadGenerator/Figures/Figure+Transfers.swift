// SPDX-License-Identifier: Apache-2.0

extension Figure {
  static let aria2Pieces = "aria2 from nginx, SHA-256 of 256 KiB"
  static let limitProgram = "receive, hash and write"
  static let durableLimitProgram = "receive, hash, write and fdatasync"
  static let libtorrent = "libtorrent, v2 torrent"
  static let rsync = "rsync daemon"
  static let aria2List = "aria2 from nginx, 16 at a time"
  static let oneSource = "p2p, one source"
  static let oneCopy = "p2p, one copy"
  static let healthySource = "p2p, the healthy source alone"

  /// The figures of the transfer mode, in the order of the table.
  static let transfers: [Figure] = [
    Figure(
      .oneSource, "get of 1 GiB to disk, one source", .megabytesPerSecond,
      rivals: [
        Rival(aria2Pieces, .atLeast(1.5)), Rival(limitProgram, .atLeast(0.85)),
        Rival(durableLimitProgram), Rival(libtorrent, .atLeast(2)),
      ]),
    Figure(
      .threeSources, "get of 1 GiB to disk, three sources", .megabytesPerSecond,
      rivals: [Rival(oneSource, .atLeast(0.95))]),
    Figure(.sourcesUsed, "sources used of three", .sources, goal: .reaching(3)),
    Figure(.crash, "get of 512 MiB at 100 MB/s, kill -9 at half", .seconds),
    Figure(.crashExcess, "sent beyond the size, kill -9 at half", .mebibytes, goal: .within(16)),
    Figure(
      .faultySources, "get of 64 MiB, one healthy and three faulty", .seconds,
      rivals: [Rival(healthySource, .atMost(1.15))]),
    Figure(.faultyWaste, "received beyond the size, three faulty", .mebibytes),
    Figure(
      .swarm, "64 MiB to 8 peers of 100 Mbit/s, the last", .seconds,
      rivals: [Rival(oneCopy, .atMost(1.25)), Rival(libtorrent)]),
    Figure(
      .swarmCopies, "copies sent by the seed, 8 peers", .copies, rivals: [Rival(libtorrent)], goal: .within(2)),
    Figure(
      .wideSwarm, "64 MiB to 24 peers of 50 Mbit/s, the last", .seconds, rivals: [Rival(oneCopy, .atMost(1.4))]),
    Figure(.wideSwarmCopies, "copies sent by the seed, 24 peers", .copies),
    Figure(
      .prefix, "get of a prefix, 10,000 x 10 KB", .seconds,
      rivals: [Rival(rsync, .atMost(1)), Rival(aria2List, .atMost(0.5))]),
    Figure(.severalKeys, "get of 1,000 keys, 10 KB each", .seconds, rivals: [Rival(curl, .atMost(3))]),
    Figure(.presentPrefix, "get of 100,000 files that are there", .seconds, goal: .within(3)),
    Figure(.limit1, "off a limit of 1 MB/s", .percent, goal: .within(5)),
    Figure(.limit10, "off a limit of 10 MB/s", .percent, goal: .within(5)),
    Figure(.limit100, "off a limit of 100 MB/s", .percent, goal: .within(5)),
  ]
}
