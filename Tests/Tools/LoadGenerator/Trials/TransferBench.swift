// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// Measures large downloads: from one and several sources, through faults, and in swarms.
final class TransferBench {
  enum Trial: String, CaseIterable, Sendable {
    /// Over loopback to disk, beside aria2, libtorrent and the limit program.
    case loopback
    /// With a kill -9 of the downloader.
    case crash
    /// With three faulty sources beside a healthy one.
    case faulty
    /// A seed and 8 peers.
    case swarm
    /// A seed and 24 peers.
    case wide
    /// Of many small documents beside rsync, aria2 and curl, and under limits.
    case prefixes
  }

  let executables: String
  /// Holds sources and the state of swarms.
  let directory: String
  /// Holds the fetched files that go to disk.
  let disk: String
  let rounds: Int
  let services: Services
  let report: (String) -> Void
  private(set) var results = Results(Figure.transfers)
  /// `nil` if it is not installed.
  private(set) var libtorrent: Libtorrent?
  private let trials: [Trial]

  /// - Parameters:
  ///   - executables: the directory of a release build.
  ///   - directory: an empty directory, in memory if there is room.
  ///   - disk: an empty directory on a disk.
  ///   - report: receives progress messages.
  init(
    rounds: Int, trials: [Trial], executables: String, directory: String, disk: String, services: Services,
    report: @escaping (String) -> Void
  ) throws {
    self.rounds = rounds
    self.trials = trials
    self.executables = executables
    self.directory = directory
    self.disk = disk
    self.services = services
    self.report = report
    libtorrent = try Libtorrent(directory: try Self.make(directory + "/libtorrent"), services: services)
    if libtorrent == nil { report("libtorrent is left out: python3-libtorrent is not installed") }
  }

  func run() throws {
    for trial in trials {
      switch trial {
      case .loopback: try measureLoopback()
      case .crash: try measureCrashes()
      case .prefixes: try measurePrefixes()
      case .faulty: try inLab(trial, hosts: 4, rate: 100, measureFaultySources)
      case .swarm:
        try inLab(trial, hosts: 9, rate: 100) { lab in try measureSwarm(lab, .swarm, .swarmCopies, beside: libtorrent) }
      case .wide:
        try inLab(trial, hosts: 25, rate: 50) { lab in try measureSwarm(lab, .wideSwarm, .wideSwarmCopies, beside: nil)
        }
      }
    }
  }

  func add(_ sample: Sample) {
    results.add(sample)
  }

  static func make(_ directory: String) throws -> String {
    guard mkdir(directory, 0o755) == 0 else { throw BenchFailure.system(directory) }
    return directory
  }

  private func inLab(_ trial: Trial, hosts: Int, rate: Int, _ body: (NetworkLab) throws -> Void) throws {
    if let obstacle = NetworkLab.obstacle { return report("\(trial.rawValue) is left out: \(obstacle)") }
    report("\(trial.rawValue): making \(hosts) network namespaces of \(rate) Mbit/s")
    let lab: NetworkLab
    do {
      lab = try NetworkLab(hosts: hosts, rate: rate, scratch: directory, services: services)
    } catch {
      return report("\(trial.rawValue) is left out: cannot make network namespaces: \(error)")
    }
    try body(lab)
    lab.remove()
  }
}
