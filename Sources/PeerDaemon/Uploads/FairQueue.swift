// SPDX-License-Identifier: Apache-2.0

/// Jobs of several clients, handed out by turns: start-time fair queueing. Next is the job of the client whose earlier jobs
/// cost least. A client that begins or was idle starts level with the others: it neither waits behind their backlog nor has
/// saved up turns.
///
/// A value without clock and I/O.
package struct FairQueue<Job> {
  private struct Waiting {
    /// The cost of what its client asked for before, counted from the same point for all clients.
    let start: Int64
    let number: UInt64
    let job: Job
  }

  private var waiting: [Waiting] = []
  /// For each client, the start of its next job.
  private var ends: [ObjectIdentifier: Int64] = [:]
  /// The start of the last job that was handed out.
  private var now: Int64 = 0
  private var added: UInt64 = 0

  package init() {}

  package var count: Int { waiting.count }

  /// - Parameter cost: in bytes sent, or what takes as long.
  package mutating func add(_ job: Job, of client: ObjectIdentifier, cost: Int64) {
    let start = max(now, ends[client] ?? now)
    let (end, overflow) = start.addingReportingOverflow(max(cost, 1))
    ends[client] = overflow ? .max : end
    added += 1
    waiting.append(Waiting(start: start, number: added, job: job))
  }

  /// - Complexity: linear in the number of waiting jobs, of which each connection has two at most.
  package mutating func next() -> Job? {
    let first = waiting.indices.min { left, right in
      (waiting[left].start, waiting[left].number) < (waiting[right].start, waiting[right].number)
    }
    guard let first else { return nil }
    waiting.swapAt(first, waiting.count - 1)
    let taken = waiting.removeLast()
    now = max(now, taken.start)
    return taken.job
  }

  /// The client is gone. Its waiting jobs stay.
  package mutating func forget(_ client: ObjectIdentifier) {
    ends[client] = nil
  }
}
