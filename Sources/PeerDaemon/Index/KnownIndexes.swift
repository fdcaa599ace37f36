// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Synchronization

/// The ids of indexes by their addresses, as SSH knows hosts: remembered at first contact, or named by a person. Durable.
package final class KnownIndexes: Sendable {
  /// Name of the list in the catalogue: lines of an address and an id, oldest first.
  private static let setting = "known_indexes"
  private static let limit = 256

  private typealias Entry = (address: Endpoint, id: PeerID)

  private let catalogue: Catalogue
  private let entries: Mutex<[Entry]>
  /// Held while the list is written, so that an older one does not replace a newer one.
  private let writing = Mutex(())

  /// Blocks.
  package init(catalogue: Catalogue) throws(StoreError) {
    self.catalogue = catalogue
    entries = Mutex(Self.entries(in: try catalogue.setting(Self.setting) ?? ""))
  }

  /// Ignores lines of another version that this one cannot parse.
  private static func entries(in text: String) -> [Entry] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 2, let address = try? Endpoint(String(words[0])), let id = PeerID(hex: String(words[1]))
      else { return nil }
      return (address, id)
    }
  }

  /// The id that an index has to prove there; `nil` if none is known.
  package func id(at address: Endpoint) -> PeerID? {
    entries.withLock { entries in entries.first { $0.address == address }?.id }
  }

  /// Holds from now on; call `write` to make it durable.
  package func remember(_ id: PeerID, at address: Endpoint) {
    entries.withLock { entries in
      entries.removeAll { $0.address == address }
      entries.append((address, id))
      if entries.count > Self.limit { entries.removeFirst() }
    }
  }

  /// Takes back what was just remembered.
  /// - Parameter id: what was known before.
  package func forget(_ address: Endpoint, known id: PeerID?) {
    if let id { return remember(id, at: address) }
    entries.withLock { entries in entries.removeAll { $0.address == address } }
  }

  /// Durable on return. Blocks.
  package func write() throws(StoreError) {
    let failure = writing.withLock { _ -> StoreError? in
      let text = entries.withLock { $0.map { "\($0.address) \($0.id)" }.joined(separator: "\n") }
      do throws(StoreError) {
        try catalogue.set(Self.setting, to: text)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}
