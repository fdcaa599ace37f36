// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import GRDB

/// Downloads under numbers that were given out before they had a row.
extension Catalogue {
  /// The highest number that was ever recorded; 0 if there was none.
  package func lastDownload() throws(StoreError) -> Int64 {
    try read {
      try Int64.fetchOne(
        $0,
        sql: """
          SELECT max(
            coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'download'), 0),
            coalesce((SELECT max(id) FROM prefixDownload), 0))
          """) ?? 0
    }
  }

  /// Records downloads with their ids, in one transaction. Durable on return.
  package func record(_ downloads: [DownloadRecord]) throws(StoreError) {
    try write { database in
      for download in downloads {
        try database.cachedStatement(sql: DownloadRows.insertNumbered)
          .execute(
            arguments: [download.id] + DownloadRows.arguments(download) + [download.temporary, download.sideFile])
      }
    }
  }

  /// Downloads that became done, failed or cancelled at a time or later, ordered by id, the latest ones.
  package func endedDownloads(since time: Timestamp, limit: Int) throws(StoreError) -> [DownloadRecord] {
    try read { database in
      try DownloadRows.fetch(
        database, where: "state >= ? AND finished >= ? AND prefixDownload IS NULL ORDER BY id DESC LIMIT ?",
        [DownloadRecord.State.done.rawValue, time.seconds, limit]
      ).reversed()
    }
  }
}

extension DownloadRows {
  fileprivate static let insertNumbered = insert.replacing("download (", with: "download (id, ")
    .replacing("VALUES (", with: "VALUES (?, ")
}

extension PieceFile {
  /// Removes the files of a download that is not open, and what is recorded of them.
  package static func discard(_ record: DownloadRecord, catalogue: Catalogue) {
    if let name = record.sideFile { catalogue.layers.removeSideFile(name) }
    guard record.temporary.map({ catalogue.discardUnfinished($0) }) ?? true else { return }
    try? catalogue.forgetFiles(ofDownload: record.id)
  }
}
