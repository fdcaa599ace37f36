// SPDX-License-Identifier: Apache-2.0

/// Whom a fault hits.
package enum Victim: Hashable, Sendable, CustomStringConvertible {
  case index
  case supervisor
  case peer(Int)
  /// A process in reserve, whosesoever.
  case standby

  package var description: String {
    switch self {
    case .index: "index"
    case .supervisor: "supervisor"
    case .peer(let number): PeerNames.name(of: number)
    case .standby: "standby"
    }
  }
}

/// Whose connections go through the proxy.
package enum Route: String, Hashable, Sendable, CaseIterable {
  /// From peers to the index.
  case index
  /// From peer to peer.
  case uploads
}

/// What goes wrong. A lasting one ends with an event of its own.
package enum Fault: Hashable, Sendable {
  /// kill -9.
  case kill(Victim)
  /// SIGSTOP, and SIGCONT at its end.
  case pause(Victim)
  /// Every connection of the route ends with a reset.
  case reset(Route)
  /// Nothing moves on the route, and nobody is told.
  case stall(Route)
  /// A byte of what peers send each other becomes another one.
  case corrupt
  /// The disk of state and downloads has no room.
  case fillDisk
  /// The directory of a peer's downloads cannot be written.
  case readOnly(Int)
  /// A peer's files may not grow beyond a small size: RLIMIT_FSIZE.
  case limitFileSize(Int)
  /// What no client of ours would send, to everybody who listens.
  case hostile(HostileBytes.Kind, to: HostileTarget)
  /// Stopped in good order and started again.
  case restart(Victim)
  /// A peer is stopped in good order, and started at the end.
  case takeAway(Int)
  /// SIGHUP.
  case reload

  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case kill = "kill -9"
    case pause = "SIGSTOP"
    case reset = "connections reset"
    case stall = "network stalled"
    case corrupt = "bytes corrupted"
    case fillDisk = "disk full"
    case readOnly = "read-only directory"
    case limitFileSize = "file size limited"
    case hostile = "hostile bytes"
    case restart = "restarted"
    case takeAway = "taken away"
    case reload = "reloaded"
  }

  package var kind: Kind {
    switch self {
    case .kill: .kill
    case .pause: .pause
    case .reset: .reset
    case .stall: .stall
    case .corrupt: .corrupt
    case .fillDisk: .fillDisk
    case .readOnly: .readOnly
    case .limitFileSize: .limitFileSize
    case .hostile: .hostile
    case .restart: .restart
    case .takeAway: .takeAway
    case .reload: .reload
    }
  }

  /// How long one lasts, in milliseconds; `nil` where it is over at once.
  package var milliseconds: ClosedRange<Int>? {
    switch self {
    case .pause: 50...3000
    case .stall: 200...5000
    case .fillDisk, .readOnly, .limitFileSize: 300...4000
    case .takeAway: 100...3000
    case .kill, .reset, .corrupt, .hostile, .restart, .reload: nil
    }
  }
}

/// Who is sent hostile bytes.
package enum HostileTarget: Hashable, Sendable {
  case index
  case uploads(Int)
  case control(Int)
  case supervisor
}

package enum PeerNames {
  package static let all = ["alice", "bob", "carol", "dave"]

  package static func name(of number: Int) -> String {
    all.indices.contains(number) ? all[number] : "peer\(number)"
  }
}
