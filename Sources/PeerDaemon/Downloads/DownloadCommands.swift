// SPDX-License-Identifier: Apache-2.0

import ContentStore
import WireProtocol

/// A download of a document or of a prefix, as commands see it.
protocol CommandedDownload: AnyObject {
  var id: Int64 { get }
  var machine: DownloadMachine { get set }
  var work: Task<Void, Never>? { get }
}

extension ActiveDownload: CommandedDownload {}
extension ActivePrefix: CommandedDownload {}

/// What `pause`, `resume` and `cancel` do to downloads of either kind.
protocol DownloadOwner: Actor {
  associatedtype Job: CommandedDownload
  var writes: SerialWrites { get }
  /// Downloads that a command names, ended ones included.
  func named(_ selection: DownloadSelection) -> [Job]
  func carryOut(_ actions: [DownloadMachine.Action], _ job: Job)
}

extension DownloadOwner {
  /// - Returns: the number of downloads that are as the command wants them, once it is durable.
  func change(
    _ selection: DownloadSelection, to phase: DownloadMachine.Phase,
    _ command: (inout DownloadMachine) -> [DownloadMachine.Action]
  ) async throws(WireFailure) -> Int {
    let chosen = try select(selection)
    for job in chosen { carryOut(command(&job.machine), job) }
    for job in chosen {
      while job.machine.phase == phase, job.machine.isBusy, let work = job.work { await work.value }
    }
    await writes.finished()
    let count = chosen.count { $0.machine.phase == phase }
    guard count > 0 || chosen.isEmpty || chosen.contains(where: { $0.machine.canBeJoined }) else {
      throw WireFailure(.notFound, "download \(chosen[0].id) has ended; p2pctl transfers --all shows how")
    }
    return count
  }

  /// - Returns: the number of downloads that go on.
  func goOn(_ selection: DownloadSelection) throws(WireFailure) -> Int {
    let chosen = try select(selection)
    for job in chosen { carryOut(job.machine.resume(), job) }
    return chosen.count
  }

  private func select(_ selection: DownloadSelection) throws(WireFailure) -> [Job] {
    let chosen = named(selection).filter { $0.machine.canBeJoined }.sorted { $0.id < $1.id }
    guard chosen.isEmpty else { return chosen }
    let what: String
    switch selection {
    case .job(let id): what = "has the number \(id)"
    case .key(let key): what = "is for \(key)"
    case .prefix(let prefix): what = "is for \(prefix)"
    case .all: return []
    }
    throw WireFailure(.notFound, "no unfinished download \(what); p2pctl transfers lists them")
  }
}

extension Downloads: DownloadOwner {
  func named(_ selection: DownloadSelection) -> [ActiveDownload] {
    switch selection {
    case .job(let id): jobs[id].map { [$0] } ?? []
    case .key(let key): jobs.of(key)
    case .all: Array(jobs.values)
    case .prefix: []
    }
  }
}

extension PrefixDownloads: DownloadOwner {
  func named(_ selection: DownloadSelection) -> [ActivePrefix] {
    switch selection {
    case .job(let id): jobs[id].map { [$0] } ?? []
    case .prefix(let prefix): jobs.values.filter { $0.record.prefix == prefix }
    case .all: Array(jobs.values)
    case .key: []
    }
  }
}
