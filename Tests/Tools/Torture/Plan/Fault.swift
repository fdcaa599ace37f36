// SPDX-License-Identifier: Apache-2.0

/// The process that a fault hits.
package enum Victim: Hashable, Sendable, CustomStringConvertible {
  case index
  case supervisor
  case peer(Int)

  package var description: String {
    switch self {
    case .index: "index"
    case .supervisor: "supervisor"
    case .peer(let number): PeerNames.name(of: number)
    }
  }
}

/// The connections that go through the proxy.
package enum Route: String, Hashable, Sendable, CaseIterable {
  /// From peers to the index.
  case index
  /// From peer to peer.
  case uploads
}

/// A fault. One with a duration also has an event for its end.
package enum Fault: Hashable, Sendable {
  /// kill -9.
  case kill(Victim)
  /// SIGSTOP, and SIGCONT at its end.
  case pause(Victim)
  /// All connections of the route are reset.
  case reset(Route)
  /// No byte moves on the route, and no connection is closed.
  case stall(Route)
  /// One byte between peers changes.
  case corrupt
  /// The disk with state and downloads is full.
  case fillDisk
  /// The download directory of a peer is read-only.
  case readOnly(Int)
  /// The files of a peer are limited in size: RLIMIT_FSIZE.
  case limitFileSize(Int)
  /// Bytes that no client of ours would send.
  case hostile(HostileBytes.Kind, to: HostileTarget)
  /// An orderly restart.
  case restart(Victim)
  /// An orderly stop of a peer, which starts again at the end.
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

  /// Duration in milliseconds; `nil` for an instantaneous fault.
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

/// The receiver of hostile bytes.
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
