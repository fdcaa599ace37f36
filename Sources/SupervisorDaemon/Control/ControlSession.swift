// SPDX-License-Identifier: Apache-2.0

import LineJSON
package import WireProtocol

/// One front end at the supervisor's control socket as a state machine: bytes go in, requests and bytes come out.
///
/// Replies come in the order of the requests: while one is pending, neither further requests nor further bytes are taken.
package struct ControlSession: Sendable {
  package typealias Instant = SuspendingClock.Instant

  private enum Phase: Equatable {
    /// Takes requests. → `discarding` by a line over the limit or an invalid one before `hello`, `finished` by the end of
    /// input.
    case open
    /// Discards input, so that a reset does not lose the last answer. → `finished`.
    case discarding(until: Instant, budget: Int)
    /// Closes once the output is written.
    case finished
  }

  /// With more bytes of output waiting, no further request is taken.
  private static let outputLimit = 262_144
  private static let discardBudget = 8 << 20
  private static let discardTimeout = Duration.seconds(1)

  private var phase = Phase.open
  private var lines = LineSplitter(maximumLength: SupervisorRequest.maximumLine)
  private var isGreeted = false
  private var inputEnded = false
  /// The request to be answered later by `reply`.
  package private(set) var awaited: SupervisorRequest?
  package private(set) var output: [UInt8] = []
  /// When input came last.
  package private(set) var lastActivity: Instant

  package init(now: Instant) {
    lastActivity = now
  }

  // MARK: Input

  /// Whether to read bytes now.
  package var wantsInput: Bool {
    switch phase {
    case .open: !inputEnded && awaited == nil && output.count < Self.outputLimit
    case .discarding: true
    case .finished: false
    }
  }

  /// Whether to close the connection now.
  package func isOver(now: Instant) -> Bool {
    switch phase {
    case .open: false
    case .discarding(let until, _): now >= until
    case .finished: output.isEmpty
    }
  }

  package var deadline: Instant? {
    if case .discarding(let until, _) = phase { until } else { nil }
  }

  /// Whether all output has been written and no more will follow: half-close then.
  package var hasWrittenAll: Bool {
    switch phase {
    case .open: false
    case .discarding, .finished: output.isEmpty
    }
  }

  package mutating func receive(_ bytes: [UInt8], now: Instant) {
    lastActivity = now
    switch phase {
    case .open: lines.append(bytes)
    case .discarding(let until, let budget):
      let rest = budget - bytes.count
      phase = rest > 0 ? .discarding(until: until, budget: rest) : .finished
    case .finished: break
    }
  }

  /// The front end sends no more. Its requests are still answered.
  package mutating func endOfInput() {
    inputEnded = true
    if case .discarding = phase { phase = .finished }
  }

  /// The next request to carry out. Answers `hello` and invalid lines itself.
  package mutating func nextRequest(now: Instant) -> SupervisorRequest? {
    while phase == .open, awaited == nil, output.count < Self.outputLimit {
      let line: [UInt8]?
      do throws(LineTooLong) {
        line = try lines.next()
      } catch {
        refuseLine(now: now)
        return nil
      }
      guard let line else {
        if inputEnded { phase = .finished }
        return nil
      }
      if let request = request(in: line, now: now) { return request }
    }
    return nil
  }

  private mutating func refuseLine(now: Instant) {
    let limit = WireFailure.Limit("line", SupervisorRequest.maximumLine)
    reply(.failure(WireFailure(.tooLarge, "a line has at most \(limit.value) bytes", limit: limit)), to: nil)
    discard(from: now)
  }

  private mutating func refuse(_ failure: WireFailure, to id: Int64?, now: Instant) {
    let (failure, endsConnection) = isGreeted ? (failure, false) : failure.beforeHello
    reply(.failure(failure), to: id)
    if endsConnection { discard(from: now) }
  }

  private mutating func discard(from now: Instant) {
    phase = .discarding(until: now.advanced(by: Self.discardTimeout), budget: Self.discardBudget)
  }

  /// `nil` if the line has been answered.
  private mutating func request(in line: [UInt8], now: Instant) -> SupervisorRequest? {
    let request: SupervisorRequest
    do {
      request = try SupervisorRequest(try Jansson.decode(line, maximumLength: SupervisorRequest.maximumLine))
    } catch let refusal as SupervisorRequest.Refusal {
      refuse(refusal.failure, to: refusal.id, now: now)
      return nil
    } catch {
      refuse(.unreadableLine(error), to: nil, now: now)
      return nil
    }
    guard case .hello(let number) = request.operation else {
      guard isGreeted else {
        refuse(.helloRequired, to: request.id, now: now)
        return nil
      }
      return request
    }
    guard number == ProtocolVersion.wire else {
      let message = "protocol \(number) is not supported; this supervisor speaks \(ProtocolVersion.wire)"
      reply(.failure(WireFailure(.unsupportedProtocol, message)), to: request.id)
      return nil
    }
    isGreeted = true
    reply(.hello, to: request.id)
    return nil
  }

  // MARK: Output

  package mutating func reply(_ reply: SupervisorReply, to id: Int64?) {
    awaited = nil
    append(reply.json(id: id))
  }

  package mutating func row(_ status: ProcessStatus) {
    append(status.json)
  }

  /// The request will be answered later by `reply`.
  package mutating func await(_ request: SupervisorRequest) {
    awaited = request
  }

  /// Removes bytes that have been written.
  package mutating func sent(_ count: Int) {
    output.removeFirst(min(count, output.count))
  }

  private mutating func append(_ json: JSONValue) {
    output += (try? Jansson.encodeLine(json)) ?? []
  }
}
