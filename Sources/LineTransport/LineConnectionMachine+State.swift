// SPDX-License-Identifier: Apache-2.0

extension LineConnectionMachine {
  package enum State: ~Copyable {
    /// Lines are read and handed out. By a verdict → `busy`, `paused` or `lingering`; by a drain or the end of input →
    /// `draining`; by `close` → `lingering`.
    case reading
    /// The role works on a line; nothing is read. By `resume` → `reading`, or `draining` if the connection is to end; by
    /// `close` → `lingering`.
    case busy(Ending)
    /// The other connections of the loop have their turn; nothing is read. When their turn is over → `reading` or
    /// `draining`; by `close` → `lingering`.
    case paused(Ending)
    /// Nothing is read; what has arrived is still answered. By a verdict → `busy`, `paused` or `lingering`; when all is
    /// answered and the peer takes the answers → `lingering`.
    case draining(Ending)
    /// Our side is half-closed after the last answer; input is discarded, to keep a reset from overtaking that answer.
    /// When the answer is written and the peer has closed or the time is over, an abort leads → `closed`.
    case lingering(Lingering)
    /// The channel is gone. Final; every state leads here when the channel closes.
    case closed
  }

  /// Why a connection ends after what has arrived is answered.
  package struct Ending: Equatable, Sendable {
    /// The server drains, and the role agreed.
    package fileprivate(set) var isDrained = false
    /// The peer sends nothing more.
    package fileprivate(set) var inputEnded = false
  }

  package struct Lingering: Sendable {
    /// How many bytes may still arrive.
    fileprivate var bytesLeft: Int
    package fileprivate(set) var inputEnded: Bool
    /// All that was written has left, and our side is half-closed.
    package var isFlushed = false
    /// The time for which input is discarded is over.
    package var isOverdue = false

    /// Whether only the peer's reading is still waited for.
    var isOver: Bool { inputEnded || isOverdue }
  }
}

/// The transitions. Each `switch consume self` makes the compiler check that the next state is set.
extension LineConnectionMachine.State {
  /// What a connection waits for.
  enum Wait {
    case busy, pause
  }

  var handsOut: Bool {
    switch self {
    case .reading: true
    case .draining: true
    case .busy: false
    case .paused: false
    case .lingering: false
    case .closed: false
    }
  }

  var isDraining: Bool {
    switch self {
    case .draining: true
    case .reading: false
    case .busy: false
    case .paused: false
    case .lingering: false
    case .closed: false
    }
  }

  var mayDrain: Bool {
    switch self {
    case .reading: true
    case .busy(let ending): !ending.isDrained
    case .paused(let ending): !ending.isDrained
    case .draining(let ending): !ending.isDrained
    case .lingering: false
    case .closed: false
    }
  }

  /// A verdict makes the connection wait. False if it hands out nothing.
  mutating func wait(_ wait: Wait) -> Bool {
    switch consume self {
    case .reading:
      self = Self.waiting(wait, LineConnectionMachine.Ending())
      return true
    case .draining(let ending):
      self = Self.waiting(wait, ending)
      return true
    case .busy(let ending): self = .busy(ending)
    case .paused(let ending): self = .paused(ending)
    case .lingering(let lingering): self = .lingering(lingering)
    case .closed: self = .closed
    }
    return false
  }

  private static func waiting(_ wait: Wait, _ ending: LineConnectionMachine.Ending) -> Self {
    switch wait {
    case .busy: .busy(ending)
    case .pause: .paused(ending)
    }
  }

  /// What the connection waits for is there. False if it does not wait for this.
  mutating func wake(_ wait: Wait) -> Bool {
    switch consume self {
    case .busy(let ending):
      self = wait == .busy ? Self.open(ending) : .busy(ending)
      return wait == .busy
    case .paused(let ending):
      self = wait == .pause ? Self.open(ending) : .paused(ending)
      return wait == .pause
    case .reading: self = .reading
    case .draining(let ending): self = .draining(ending)
    case .lingering(let lingering): self = .lingering(lingering)
    case .closed: self = .closed
    }
    return false
  }

  private static func open(_ ending: LineConnectionMachine.Ending) -> Self {
    ending == LineConnectionMachine.Ending() ? .reading : .draining(ending)
  }

  /// All is said. False if the connection lingers already or is closed.
  mutating func linger(_ discardBytes: Int) -> Bool {
    let inputEnded: Bool
    switch consume self {
    case .reading: inputEnded = false
    case .busy(let ending): inputEnded = ending.inputEnded
    case .paused(let ending): inputEnded = ending.inputEnded
    case .draining(let ending): inputEnded = ending.inputEnded
    case .lingering(let lingering):
      self = .lingering(lingering)
      return false
    case .closed:
      self = .closed
      return false
    }
    self = .lingering(.init(bytesLeft: discardBytes, inputEnded: inputEnded))
    return true
  }

  mutating func received(bytes: Int) -> LineConnectionMachine.ReceivedAction {
    switch consume self {
    case .reading: self = .reading
    case .busy(let ending): self = .busy(ending)
    case .paused(let ending): self = .paused(ending)
    case .draining(let ending): self = .draining(ending)
    case .lingering(var lingering):
      lingering.bytesLeft = max(-1, lingering.bytesLeft) - min(bytes, Int(Int32.max))
      let isTooMuch = lingering.bytesLeft < 0
      self = .lingering(lingering)
      return isTooMuch ? .abort : .discard
    case .closed:
      self = .closed
      return .discard
    }
    return .keep
  }

  mutating func inputEnded() -> LineConnectionMachine.InputEndAction {
    switch consume self {
    case .reading:
      self = .draining(LineConnectionMachine.Ending(inputEnded: true))
      return .beginTurn
    case .draining(var ending):
      ending.inputEnded = true
      self = .draining(ending)
      return .beginTurn
    case .busy(var ending):
      ending.inputEnded = true
      self = .busy(ending)
      return .none
    case .paused(var ending):
      ending.inputEnded = true
      self = .paused(ending)
      return .none
    case .lingering(var lingering):
      lingering.inputEnded = true
      self = .lingering(lingering)
      return lingering.isFlushed ? .abort : .awaitReader
    case .closed:
      self = .closed
      return .none
    }
  }

  mutating func drain() {
    switch consume self {
    case .reading: self = .draining(LineConnectionMachine.Ending(isDrained: true))
    case .busy(var ending):
      ending.isDrained = true
      self = .busy(ending)
    case .paused(var ending):
      ending.isDrained = true
      self = .paused(ending)
    case .draining(var ending):
      ending.isDrained = true
      self = .draining(ending)
    case .lingering(let lingering): self = .lingering(lingering)
    case .closed: self = .closed
    }
  }

  /// False if the channel was closed already.
  mutating func close() -> Bool {
    let wasClosed: Bool
    switch self {
    case .closed: wasClosed = true
    case .reading: wasClosed = false
    case .busy: wasClosed = false
    case .paused: wasClosed = false
    case .draining: wasClosed = false
    case .lingering: wasClosed = false
    }
    self = .closed
    return !wasClosed
  }

  mutating func changeLingering(
    _ change: (inout LineConnectionMachine.Lingering) -> LineConnectionMachine.LingerAction
  ) -> LineConnectionMachine.LingerAction {
    switch consume self {
    case .lingering(var lingering):
      let action = change(&lingering)
      self = .lingering(lingering)
      return action
    case .reading: self = .reading
    case .busy(let ending): self = .busy(ending)
    case .paused(let ending): self = .paused(ending)
    case .draining(let ending): self = .draining(ending)
    case .closed: self = .closed
    }
    return .none
  }
}
