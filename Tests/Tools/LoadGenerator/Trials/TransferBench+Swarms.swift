// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON

/// Downloads between hosts with limited rates.
extension TransferBench {
  private static let size = 64 << 20

  /// Host 0 seeds, all others download.
  func measureSwarm(
    _ lab: NetworkLab, _ figure: Figure.ID, _ copies: Figure.ID, beside libtorrent: Libtorrent?
  ) throws {
    let directory = try Self.make("\(directory)/\(figure.rawValue)")
    let downloaders = Array(1..<lab.hosts)
    let peers = try LabPeers(in: lab, executables: executables, directory: directory, services: services)
    for round in 1..<rounds + 1 {
      report("\(figure.rawValue): round \(round) of \(rounds)")
      let seed = UInt64(round) * 2
      let single = try peers.share("one\(round).bin", size: Self.size, seed: seed, by: [0])
      let one = try peers.fetch(single, size: Self.size, by: [1], options: ["--no-share"])
      let name = "all\(round).bin"
      let key = try peers.share(name, size: Self.size, seed: seed + 1, by: [0])
      let sent = try lab.sentBytes(by: 0)
      let all = try peers.fetch(key, size: Self.size, by: downloaders)
      add(Sample(copies, Figure.own, round: round, value: Double(try lab.sentBytes(by: 0) - sent) / Double(Self.size)))
      add(Sample(figure, Figure.oneCopy, round: round, one))
      add(Sample(figure, Figure.own, round: round, all))
      if let libtorrent { try measure(libtorrent, lab, directory, name, figure, copies, round) }
      unlink("\(directory)/one\(round).bin")
      unlink("\(directory)/\(name)")
    }
    peers.end()
  }

  /// The peers of this project are idle meanwhile.
  private func measure(
    _ libtorrent: Libtorrent, _ lab: NetworkLab, _ directory: String, _ name: String, _ figure: Figure.ID,
    _ copies: Figure.ID, _ round: Int
  ) throws {
    let ip = try Tool.installed("ip")
    let hosts = (0..<lab.hosts).map { host in
      Libtorrent.Host(address: "\(lab.address(of: host)):6881") { [ip] + lab.arguments(on: host, $0) }
    }
    let torrent = try libtorrent.torrent(of: "\(directory)/\(name)")
    var sent = 0
    let outcome = try libtorrent.run(torrent, of: (directory, name, Self.size), to: directory, hosts: hosts) {
      sent = try lab.sentBytes(by: 0)
    }
    let used = Double(try lab.sentBytes(by: 0) - sent) / Double(Self.size)
    add(Sample(copies, Figure.libtorrent, round: round, value: used))
    add(
      Sample(
        figure, Figure.libtorrent, round: round, value: outcome.seconds, processorTime: outcome.processorTime))
  }

  // MARK: Faulty sources

  /// Peer 0 downloads, 1 is healthy, 2 has a hundredth of its rate, 3 is stopped midway and 4 lies from the middle on.
  func measureFaultySources(_ lab: NetworkLab) throws {
    try lab.limit(0, to: 500)
    try lab.limit(2, to: 1)
    try lab.limitThisMachine(to: 100)
    let port = try LoopbackPort.free()
    // Before the peer, which would listen there, too.
    let relay = try FlippingRelay(at: lab.address, port: port)
    let peers = try LabPeers(
      in: lab, executables: executables, directory: try Self.make(directory + "/faulty"), services: services,
      hidden: port)
    for round in 1..<rounds + 1 {
      report("faulty: round \(round) of \(rounds)")
      let seed = UInt64(round) * 2 + 100
      relay.lie(after: .max)
      let alone = try peers.share("alone\(round).bin", size: Self.size, seed: seed, by: [1])
      let one = try peers.fetch(alone, size: Self.size, by: [0])
      add(Sample(.faultySources, Figure.healthySource, round: round, one))
      let key = try peers.share("four\(round).bin", size: Self.size, seed: seed + 1, by: [1, 2, 3, 4])
      // Three sources of one rate: a third comes from each.
      relay.lie(after: Self.size / 6)
      let before = try lab.receivedBytes(by: 0)
      var isStopped = false
      let four = try peers.fetch(key, size: Self.size, by: [0]) {
        guard !isStopped, try lab.receivedBytes(by: 0) - before > Self.size / 2 else { return }
        isStopped = kill(peers.pids[3], SIGSTOP) == 0
      }
      kill(peers.pids[3], SIGCONT)
      add(Sample(.faultySources, Figure.own, round: round, four))
      let received = Int(four.replies.first?["received"]?.integer ?? 0)
      add(Sample(.faultyWaste, Figure.own, round: round, value: Double(received - Self.size) / Double(1 << 20)))
    }
    peers.end()
  }
}

extension Sample {
  fileprivate init(_ figure: Figure.ID, _ contender: String, round: Int, _ fetches: LabPeers.Fetches) {
    self.init(
      figure, contender, round: round, value: fetches.elapsed.inSeconds, processorTime: fetches.processorTime)
  }
}
