// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Holders in the order in which they are asked: hosts take turns, and those of one host come in the order of the index.
struct HolderQueue {
  private var lines: [String: Line<Holder>] = [:]
  /// Hosts with somebody who waits, each once.
  private var turns = Line<String>()

  var isEmpty: Bool { turns.isEmpty }

  mutating func append(_ holder: Holder) {
    if lines[holder.host] == nil { turns.append(holder.host) }
    lines[holder.host, default: Line()].append(holder)
  }

  mutating func next() -> Holder? {
    guard let host = turns.next() else { return nil }
    let holder = lines[host]?.next()
    if lines[host]?.isEmpty == false { turns.append(host) } else { lines[host] = nil }
    return holder
  }
}

/// First come, first served, in constant time.
private struct Line<Element> {
  private var elements: [Element] = []
  private var front = 0

  var isEmpty: Bool { front == elements.count }

  mutating func append(_ element: Element) {
    elements.append(element)
  }

  mutating func next() -> Element? {
    guard front < elements.count else { return nil }
    let element = elements[front]
    front += 1
    if front > 64, front * 2 > elements.count {
      elements.removeFirst(front)
      front = 0
    }
    return element
  }
}
