// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel

/// The unfinished downloads by number, content and key. Confined to `Downloads`.
struct JobTable {
  private var jobs: [Int64: ActiveDownload] = [:]
  private var byContent: [Content: Set<Int64>] = [:]
  private var byKey: [DocumentKey: Set<Int64>] = [:]

  var count: Int { jobs.count }
  var values: Dictionary<Int64, ActiveDownload>.Values { jobs.values }

  subscript(id: Int64) -> ActiveDownload? { jobs[id] }

  /// In the order of their numbers.
  func of(_ content: Content) -> [ActiveDownload] { (byContent[content] ?? []).sorted().compactMap { jobs[$0] } }

  /// In the order of their numbers.
  func of(_ key: DocumentKey) -> [ActiveDownload] { (byKey[key] ?? []).sorted().compactMap { jobs[$0] } }

  /// Call it when a download has another content, too, after `remove`.
  mutating func insert(_ job: ActiveDownload) {
    jobs[job.id] = job
    byContent[job.content, default: []].insert(job.id)
    byKey[job.record.document.key, default: []].insert(job.id)
  }

  mutating func remove(_ job: ActiveDownload) {
    jobs[job.id] = nil
    byContent[job.content]?.remove(job.id)
    if byContent[job.content]?.isEmpty == true { byContent[job.content] = nil }
    let key = job.record.document.key
    byKey[key]?.remove(job.id)
    if byKey[key]?.isEmpty == true { byKey[key] = nil }
  }
}
