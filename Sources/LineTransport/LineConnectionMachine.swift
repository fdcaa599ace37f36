// SPDX-License-Identifier: Apache-2.0

/// The life of one connection as decisions: events go in, actions come out. It touches no channel, clock or buffer.
///
/// Lines are handed to the role in turns. A turn begins when an event may allow the next line, and ends when no line is
/// left or none may be handed out. What the role asks for while it has a line takes effect with its verdict on that line:
/// a role whose work completes immediately may call `resume` before it returns `.busy`.
package struct LineConnectionMachine: ~Copyable {
  /// Whether the handler is handing out lines.
  private enum Turn: Equatable {
    case none
    /// Between two lines.
    case running
    /// The role has a line, and has asked for this meanwhile.
    case line(Request)
  }

  private enum Request: Equatable {
    case nothing, resume, close
  }

  package private(set) var state = State.reading
  private var turn = Turn.none
  private let discardBytes: Int

  /// - Parameter discardBytes: bytes that may arrive while the connection lingers.
  package init(discardBytes: Int) {
    self.discardBytes = discardBytes
  }

  // MARK: Turns

  /// Begins a turn, if lines may be handed out and no turn runs. After true, `endTurn` must follow.
  package mutating func beginTurn() -> Bool {
    guard turn == .none, state.handsOut else { return false }
    turn = .running
    return true
  }

  /// Whether the connection lingers only to be read to the end.
  package var isInputEnded: Bool {
    switch state {
    case .lingering(let lingering): lingering.inputEnded
    case .reading: false
    case .busy: false
    case .paused: false
    case .draining: false
    case .closed: false
    }
  }

  /// Whether the next line may be handed out, as far as the role is concerned.
  package var handsOut: Bool { state.handsOut }

  /// The turn is used up before all lines are handed out.
  /// - Returns: whether to call `pauseElapsed` when it is the connection's turn again.
  package mutating func yield() -> Bool {
    turn == .running && state.wait(.pause)
  }

  /// The role gets a line, or part of a body, or goes on with a line.
  package mutating func beginLine() {
    if turn == .running { turn = .line(.nothing) }
  }

  package enum LineAction: Equatable, Sendable {
    case none
    /// Cut this many raw bytes before the next line.
    case expectBody(Int)
    /// Call `pauseElapsed` when it is the connection's turn again.
    case startPause
    /// Write what is left, then linger.
    case linger
  }

  /// The role returned a verdict on its line.
  package mutating func endLine(_ verdict: LineVerdict) -> LineAction {
    guard case .line(let request) = turn else { return .none }
    turn = .running
    switch (request, verdict) {
    case (.close, _), (_, .close): return state.linger(discardBytes) ? .linger : .none
    case (.resume, .busy), (_, .next): return .none
    case (.nothing, .busy):
      _ = state.wait(.busy)
      return .none
    case (_, .pause), (_, .again): return state.wait(.pause) ? .startPause : .none
    case (_, .body(let count)): return state.handsOut ? .expectBody(count) : .none
    }
  }

  package enum EndAction: Equatable, Sendable {
    case none
    /// Half-close after what was written, call `outputClosed` then and `discardTimeElapsed` after that time, and go on
    /// as `readMore` says.
    case linger
  }

  /// No line is left, or none may be handed out.
  ///
  /// - Parameter isWritable: whether the peer takes what is written. If it does not, whole lines may be left.
  package mutating func endTurn(isWritable: Bool) -> EndAction {
    turn = .none
    return settle(isWritable: isWritable)
  }

  /// Outside a turn, everything that has arrived is answered unless the peer takes no answers.
  private mutating func settle(isWritable: Bool) -> EndAction {
    guard isWritable, state.isDraining else { return .none }
    return close()
  }

  // MARK: Events of the channel

  package enum ReceivedAction: Equatable, Sendable {
    /// Keep the bytes, and begin a turn.
    case keep
    case discard
    case abort
  }

  package mutating func received(bytes: Int) -> ReceivedAction {
    state.received(bytes: bytes)
  }

  package enum ReadAction: Equatable, Sendable {
    case none
    case read
    /// Abort if the peer takes nothing for the time of a stalled write.
    case awaitReader
  }

  /// What to do after a read, a turn or a change of writability.
  package func readMore(isWritable: Bool) -> ReadAction {
    switch state {
    case .reading: isWritable ? .read : .awaitReader
    case .draining: isWritable ? .none : .awaitReader
    case .busy: .none
    case .paused: .none
    case .closed: .none
    case .lingering(let lingering):
      if !lingering.isOver { .read } else { lingering.isFlushed ? .none : .awaitReader }
    }
  }

  package enum InputEndAction: Equatable, Sendable {
    case none
    /// Begin a turn, which may be the last, then go on as `readMore` says.
    case beginTurn
    case awaitReader
    case abort
  }

  /// The peer has half-closed the connection.
  package mutating func inputEnded() -> InputEndAction {
    state.inputEnded()
  }

  package enum CloseAction: Equatable, Sendable {
    case none
    /// Release everything and notify the role.
    case release
  }

  /// The channel is closed.
  package mutating func channelClosed() -> CloseAction {
    state.close() ? .release : .none
  }

  // MARK: What the role and the server ask for

  package enum WakeAction: Equatable, Sendable {
    case none
    /// Begin a turn, then go on as `readMore` says.
    case beginTurn
  }

  /// The role has done the work for which it returned, or is about to return, `.busy`. Without effect otherwise.
  package mutating func resume() -> WakeAction {
    if case .line(let request) = turn {
      if request == .nothing { turn = .line(.resume) }
      return .none
    }
    return state.wake(.busy) ? .beginTurn : .none
  }

  /// The role wants the connection to end after what it has written.
  package mutating func close() -> EndAction {
    if case .line = turn {
      turn = .line(.close)
      return .none
    }
    return state.linger(discardBytes) ? .linger : .none
  }

  package enum DrainAction: Equatable, Sendable {
    case none
    /// Ask the role, and call `drain` if it agrees.
    case askRole
  }

  /// The server ends.
  package func drainRequested() -> DrainAction {
    state.mayDrain ? .askRole : .none
  }

  /// The role agrees that the connection ends after what has arrived is answered.
  package mutating func drain(isWritable: Bool) -> EndAction {
    state.drain()
    return turn == .none ? settle(isWritable: isWritable) : .none
  }

  // MARK: Time and progress

  /// It is the connection's turn again.
  package mutating func pauseElapsed() -> WakeAction {
    state.wake(.pause) ? .beginTurn : .none
  }

  package enum LingerAction: Equatable, Sendable {
    case none
    case awaitReader
    case abort
  }

  /// All that was written has left, and our side is half-closed.
  package mutating func outputClosed() -> LingerAction {
    state.changeLingering {
      $0.isFlushed = true
      return $0.isOver ? .abort : .none
    }
  }

  /// The time for which input is discarded is over. A slow reader still gets the time of a stalled write.
  package mutating func discardTimeElapsed() -> LingerAction {
    state.changeLingering {
      $0.isOverdue = true
      return $0.isFlushed ? .abort : .awaitReader
    }
  }
}
