// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Queues holders round-robin by host; holders of one host keep the index's order.
struct HolderQueue {
  private var lines: [String: FIFO<Holder>] = [:]
  /// Hosts with queued holders, each once.
  private var turns = FIFO<String>()

  var isEmpty: Bool { turns.isEmpty }

  mutating func append(_ holder: Holder) {
    if lines[holder.host] == nil { turns.append(holder.host) }
    lines[holder.host, default: FIFO()].append(holder)
  }

  mutating func next() -> Holder? {
    guard let host = turns.next() else { return nil }
    let holder = lines[host]?.next()
    if lines[host]?.isEmpty == false { turns.append(host) } else { lines[host] = nil }
    return holder
  }
}

/// A FIFO queue with amortised constant time.
private struct FIFO<Element> {
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
