// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What a peer remembers beside its shares.
extension Catalogue {
  package func setting(_ name: String) throws(StoreError) -> String? {
    try read { try String.fetchOne($0, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name]) }
  }

  /// Durable on return. `nil` forgets it.
  package func set(_ name: String, to value: String?) throws(StoreError) {
    try write { database in
      if let value {
        try database.execute(
          sql: "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", arguments: [name, value])
      } else {
        try database.execute(sql: "DELETE FROM setting WHERE name = ?", arguments: [name])
      }
    }
  }
}
