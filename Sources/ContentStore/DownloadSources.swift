// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation

/// The column with the sources of a download, in JSON: they are read and written as a whole.
enum DownloadSources {
  static let addColumn = "ALTER TABLE download ADD COLUMN sources TEXT"

  private struct Row: Codable {
    var id: String
    var name: String
    var host: String
    var bytes: Int64
    var error: String?
  }

  static func text(of sources: [DownloadRecord.Source]) -> String? {
    guard !sources.isEmpty else { return nil }
    let rows = sources.map { source in
      Row(id: source.peer.hex, name: source.name, host: source.host, bytes: source.bytes, error: source.error)
    }
    return (try? JSONEncoder().encode(rows)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// None if the column is damaged: a download goes on without them.
  static func read(_ text: String?) -> [DownloadRecord.Source] {
    guard let text, let rows = try? JSONDecoder().decode([Row].self, from: Data(text.utf8)) else { return [] }
    return rows.compactMap { row in
      guard let peer = PeerID(hex: row.id), row.bytes >= 0 else { return nil }
      return .init(
        peer: peer, name: row.name, host: row.host, bytes: min(row.bytes, Content.maximumSize), error: row.error)
    }
  }
}
