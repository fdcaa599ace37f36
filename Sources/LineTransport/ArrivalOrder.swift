// SPDX-License-Identifier: Apache-2.0

/// The connections of a server by standing and age: says which one goes when they run out.
package struct ArrivalOrder {
  private struct Arrival {
    var standing: ConnectionStanding
    /// In whose queues it is.
    var queued: Set<ConnectionStanding> = []
  }

  private struct Queue {
    var numbers: [UInt64] = []
    var first = 0
  }

  private var arrivals: [UInt64: Arrival] = [:]
  /// Oldest first, with numbers that have gone or stand elsewhere now.
  private var queues: [ConnectionStanding: Queue] = [:]
  private var last: UInt64 = 0

  package init() {}

  package var count: Int { arrivals.count }

  /// - Returns: the number of the connection.
  package mutating func arrive() -> UInt64 {
    last += 1
    arrivals[last] = Arrival(standing: .new)
    enqueue(last, .new)
    return last
  }

  package mutating func leave(_ number: UInt64) {
    arrivals[number] = nil
    if arrivals.isEmpty { queues = [:] }
  }

  package mutating func stand(_ number: UInt64, as standing: ConnectionStanding) {
    guard let arrival = arrivals[number], arrival.standing != standing else { return }
    arrivals[number]?.standing = standing
    enqueue(number, standing)
  }

  private mutating func enqueue(_ number: UInt64, _ standing: ConnectionStanding) {
    guard standing != .needed, arrivals[number]?.queued.insert(standing).inserted == true else { return }
    queues[standing, default: Queue()].numbers.append(number)
    compact(standing)
  }

  /// Drops the numbers that no longer belong into a queue when they are most of it.
  private mutating func compact(_ standing: ConnectionStanding) {
    guard let queue = queues[standing], queue.numbers.count > 2 * arrivals.count + 64 else { return }
    var kept = [UInt64]()
    for number in queue.numbers[queue.first...] {
      if arrivals[number]?.standing == standing {
        kept.append(number)
      } else {
        arrivals[number]?.queued.remove(standing)
      }
    }
    queues[standing] = Queue(numbers: kept)
  }

  /// Takes out the oldest connection that may go; `nil` if all are needed.
  package mutating func takeOldest() -> UInt64? {
    for standing in [ConnectionStanding.new, .greeted] {
      while let queue = queues[standing], queue.first < queue.numbers.count {
        let number = queue.numbers[queue.first]
        queues[standing]?.first += 1
        arrivals[number]?.queued.remove(standing)
        guard arrivals[number]?.standing == standing else { continue }
        leave(number)
        return number
      }
    }
    return nil
  }
}
