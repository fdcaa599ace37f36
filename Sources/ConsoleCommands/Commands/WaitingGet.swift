// SPDX-License-Identifier: Apache-2.0

import LineJSON
import WireProtocol

/// A `get` that waits for a download of the daemon.
struct WaitingGet {
  static let retryInterval = Duration.milliseconds(200)
  /// How long a daemon may be away.
  private static let timeout = Duration.seconds(30)

  /// Whether it also waits for a holder, before there is a download.
  let isPatient: Bool
  private(set) var job: DownloadJob?
  private(set) var rejoining: GetDocument.Rejoining?
  private var deadline: ContinuousClock.Instant?

  init(isPatient: Bool) {
    self.isPatient = isPatient
  }

  mutating func began(_ job: DownloadJob) {
    self.job = job
    if rejoining?.job != job.job { rejoining = .init(job: job.job, received: job.received) }
    deadline = nil
  }

  /// Whether the user has interrupted the command, not the daemon the download.
  static func isInterruption(_ error: any Error) -> Bool {
    if case .interrupted? = error as? ControlError { return true }
    if case .interrupted? = error as? OutputError { return true }
    guard let failure = error as? CommandFailure else { return false }
    return failure.status == .interrupted && failure.wire == nil
  }

  /// Whether to ask again: the connection was lost, the daemon is stopping, or it is not back yet.
  mutating func mayRetry(_ failure: CommandFailure, at now: ContinuousClock.Instant) -> Bool {
    guard job != nil || isPatient else { return false }
    if let deadline, now < deadline { return failure.status == .unavailable }
    // A daemon that was there again has a time of its own.
    guard failure.isLostConnection || (job != nil && deadline == nil && failure.wire?.code == .unavailable) else {
      return false
    }
    deadline = now + Self.timeout
    return true
  }
}

/// A `get` that ends before its downloads do, because of Ctrl-C or of a reader that has gone.
struct EndedWait {
  enum Fate: Equatable {
    case paused
    /// Others want it.
    case goesOn
    /// It is done or was cancelled.
    case ended
    /// The daemon does not answer.
    case unknown
  }

  private static let timeout = Duration.seconds(5)

  private let client: DaemonClient

  init(console: Console, options: DaemonOptions) {
    var client = DaemonClient(console: console, options: options, offersStart: false)
    client.explains = false
    self.client = client
  }

  /// Pauses a download unless somebody else wants it.
  func pause(_ job: DownloadJob) -> Fate {
    let pause = ControlRequest.pause(PauseDownloads(.job(job.job), waiter: job.waiter))
    do {
      let reply = try client.request(pause, for: ControlDownloadsReply.self, timeout: Self.timeout)
      return reply.downloads > 0 ? .paused : .goesOn
    } catch {
      return (error as? CommandFailure)?.wire?.code == .notFound ? .ended : .unknown
    }
  }

  /// Those of some downloads that have not ended.
  func unfinished(among jobs: [DownloadJob]) -> [DownloadJob] {
    guard jobs.count > 1 else { return jobs }
    var found = Set<Int64>()
    let list = ControlRequest.transfers(ListTransfers(all: false))
    let reply: ControlTransfersReply? = try? client.request(
      list, timeout: Self.timeout,
      onEvent: { if case .transfer(let row) = $0, row.direction == .download { found.insert(row.id) } })
    return reply == nil ? jobs : jobs.filter { found.contains($0.job) }
  }
}
