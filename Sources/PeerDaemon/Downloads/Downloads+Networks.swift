// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import WireProtocol

/// Downloads wait while this peer is in another network than that in which they began. `IndexLink` asks no other index
/// for them in any case: it judges each request by its own connection.
extension Downloads {
  /// The network in which this is asked for.
  func home(of request: DownloadRequest) -> Home {
    request.home ?? preparation.link.passes.home
  }

  func isHere(_ job: ActiveDownload) -> Bool {
    job.record.home == preparation.link.passes.home
  }

  /// Those that began in an open network belong to the closed one that it has become.
  func openNetworkClosed(to network: Home) {
    for job in jobs.values where job.record.home == .open {
      job.record.home = network
      // An older row may still be on its way to the catalogue.
      if job.isRecorded { writes.update(job.record) }
    }
  }

  /// The network may be another one, or the old one again.
  func judgeHomes() {
    for job in jobs.values {
      let before = job.machine.state
      let actions = isHere(job) ? job.machine.networkEntered() : job.machine.networkLeft(.waits(job.record.home))
      if job.machine.state != before { carryOut(actions, job) }
    }
  }

  /// - Throws: `unavailable` if a request means a download that began elsewhere: what was fetched there must not come into
  ///   another network by the way.
  func requireNetwork(of job: ActiveDownload, _ home: Home) throws(WireFailure) {
    guard job.record.home == home else { throw .occupied(by: job.id, job.record.home) }
  }
}

extension WireFailure {
  /// Why a download waits.
  static func waits(_ home: Home) -> WireFailure {
    var failure = WireFailure.elsewhere(home)
    failure = WireFailure(failure.code, "\(failure.message); it goes on when this peer is back there")
    return failure
  }

  /// A `get` means a download that waits.
  static func occupied(by job: Int64, _ home: Home) -> WireFailure {
    WireFailure(
      .unavailable,
      "download \(job) of this to the same place \(WireFailure.waits(home).message). To fetch it here instead: "
        + "p2pctl cancel \(job), then the same again",
      job: job)
  }
}
