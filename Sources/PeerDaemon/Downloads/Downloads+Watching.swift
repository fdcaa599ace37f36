// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore

/// Downloads that wait for a source begin when the index reports one.
extension Downloads {
  /// Downloads beyond this ask the index from time to time.
  static let maxFollowed = 64
  /// Reports that wait for this actor; later ones replace the oldest.
  private static let maxNews = 64

  /// Watches for holders while the download waits for a source.
  func followHolders(of job: ActiveDownload) {
    guard job.machine.waitsForSource, !isStopping else {
      guard let follower = job.follower.take() else { return }
      follower.cancel()
      followed -= 1
      job.isFollowed = false
      return
    }
    guard job.follower == nil, followed < Self.maxFollowed else { return }
    followed += 1
    job.follower = Task { [watches, id = job.id, content = job.content, home = job.record.home] in
      let (news, continuation) = AsyncStream.makeStream(
        of: HolderWatches.News.self, bufferingPolicy: .bufferingNewest(Self.maxNews))
      let token = await watches.begin(content, in: home) { continuation.yield($0) }
      for await item in news { self.take(item, id) }
      await watches.end(token)
    }
  }

  private func take(_ news: HolderWatches.News, _ id: Int64) {
    guard let job = jobs[id], job.machine.waitsForSource, !isStopping else { return }
    switch news {
    case .joined(let holder):
      // Those of the beginning may be the ones that have just failed.
      guard isSource(holder, of: job.record), job.isFollowed || !job.failed.contains(holder.id) else { return }
      wake(job)
    case .current: job.isFollowed = true
    case .uncertain:
      job.isFollowed = false
      job.failed = []
    }
  }

  private func wake(_ job: ActiveDownload) {
    let now = Double(NIODeadline.now().uptimeNanoseconds) / 1e9
    var budget = job.wakes ?? WakeBudget(at: now)
    defer { job.wakes = budget }
    guard !job.isProbing, budget.take(at: now) else { return }
    carryOut(job.machine.sourcesMayBeBack(), job)
  }

  /// Looks for sources of a waiting download; `nil` if there are none.
  nonisolated func findSources(of record: DownloadRecord) async -> SourceChoice? {
    if let known = await watches.holders(of: record.document.content, in: record.home),
      !known.contains(where: { isSource($0, of: record) })
    {
      return nil
    }
    let choice = try? await preparation.sources(of: record)
    return choice?.holders.isEmpty == false ? choice : nil
  }

  private nonisolated func isSource(_ holder: Holder, of record: DownloadRecord) -> Bool {
    holder.peer != preparation.own && (record.from == nil || record.from == holder.peer)
  }
}
