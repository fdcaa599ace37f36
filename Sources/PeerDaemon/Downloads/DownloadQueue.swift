// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Downloads that want a slot, in the order in which they get one: by priority, then by number. Small ones have slots of
/// their own and pass large ones.
///
/// Ten thousand entries are ordinary: nothing here looks at all of them.
package struct DownloadQueue {
  private struct Entry: Comparable {
    let priority: DownloadPriority
    let id: Int64

    static func < (left: Entry, right: Entry) -> Bool { (left.priority, left.id) < (right.priority, right.id) }
  }

  /// One lane. The next entry is the last.
  private struct Lane {
    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }
    var last: Entry? { entries.last }

    /// The first index of an entry that is not after `entry` in the order of the queue.
    private func index(of entry: Entry) -> Int {
      var (low, high) = (0, entries.count)
      while low < high {
        let middle = (low + high) / 2
        if entries[middle] > entry { low = middle + 1 } else { high = middle }
      }
      return low
    }

    mutating func insert(_ entry: Entry) { entries.insert(entry, at: index(of: entry)) }

    mutating func remove(_ entry: Entry) {
      let index = index(of: entry)
      if index < entries.count, entries[index] == entry { entries.remove(at: index) }
    }

    mutating func removeLast() -> Entry? { entries.popLast() }
  }

  private var small = Lane()
  private var large = Lane()
  private var places: [Int64: (entry: Entry, isSmall: Bool)] = [:]

  package init() {}

  package var count: Int { places.count }

  /// Adds a download, or gives it another place.
  package mutating func insert(_ id: Int64, _ priority: DownloadPriority, isSmall: Bool) {
    let entry = Entry(priority: priority, id: id)
    if let known = places[id] {
      guard known.entry != entry || known.isSmall != isSmall else { return }
      remove(id)
    }
    places[id] = (entry, isSmall)
    if isSmall { small.insert(entry) } else { large.insert(entry) }
  }

  package mutating func remove(_ id: Int64) {
    guard let (entry, isSmall) = places.removeValue(forKey: id) else { return }
    if isSmall { small.remove(entry) } else { large.remove(entry) }
  }

  /// Removes and returns the next download of one kind.
  package mutating func next(isSmall: Bool) -> Int64? {
    guard let entry = isSmall ? small.removeLast() : large.removeLast() else { return nil }
    places[entry.id] = nil
    return entry.id
  }
}
