// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// What was found on this machine, without judgement.
package struct DoctorFacts {
  /// How a control socket answered.
  package enum Answer: Equatable {
    /// With its program and version.
    case answers(server: String)
    /// The socket is missing, or nothing is listening.
    case down(String)
    case notPermitted
    /// A process of another user listens there. Nothing was sent to it.
    case foreignListener(String)
    /// Something else is at the path of the socket: `a directory`.
    case obstacle(String)
    /// No valid answer for any other reason.
    case unresponsive(String)
  }

  package struct Peer {
    package var name: String
    package var socket: String
    package var answer: Answer
    package var status: ControlStatusReply?
    /// `nil` if it did not answer or its version is too old.
    package var examination: ControlDoctorReply?
    /// Whether it belongs to the machine's supervisor.
    package var isOfSystem: Bool
    /// Whether a process holds its lock.
    package var isLocked: Bool

    package init(
      name: String, socket: String, answer: Answer, status: ControlStatusReply? = nil,
      examination: ControlDoctorReply? = nil, isOfSystem: Bool = false,
      isLocked: Bool = false
    ) {
      self.name = name
      self.socket = socket
      self.answer = answer
      self.status = status
      self.examination = examination
      self.isOfSystem = isOfSystem
      self.isLocked = isLocked
    }
  }

  /// A file or directory that other users must not be able to change or read.
  package struct Place {
    package var path: String
    package var isSecret: Bool
    /// What is there in the place of a file: `a directory`.
    package var obstacle: String?
    /// Permission bits: inode(7).
    package var mode: UInt32
    package var owner: UInt32

    package init(path: String, isSecret: Bool, mode: UInt32, owner: UInt32, obstacle: String? = nil) {
      self.path = path
      self.obstacle = obstacle
      self.isSecret = isSecret
      self.mode = mode
      self.owner = owner
    }
  }

  /// A file system.
  package struct Disk {
    package var path: String
    /// Bytes available to its user.
    package var free: Int64
    package var size: Int64
    /// Files that can still be created; `nil` if the file system does not count them.
    package var freeFiles: Int64?
    package var isReadOnly: Bool

    package init(path: String, free: Int64, size: Int64, freeFiles: Int64? = nil, isReadOnly: Bool = false) {
      self.path = path
      self.free = free
      self.size = size
      self.freeFiles = freeFiles
      self.isReadOnly = isReadOnly
    }
  }

  package struct Descriptors {
    package var process: String
    package var open: Int
    package var limit: Int

    package init(process: String, open: Int, limit: Int) {
      self.process = process
      self.open = open
      self.limit = limit
    }
  }

  /// Of this program.
  package var version: String
  /// The current user id; 0 is root.
  package var user: UInt32
  package var supervisorSocket: String
  package var supervisor: Answer
  /// Whether the supervisor's socket is the one of the machine.
  package var supervisorIsOfSystem = false
  /// The supervisor that holds its lock although nothing answers at its socket; `nil` if there is none.
  package var lostSupervisor: LockedSupervisor?
  package var processes: [ProcessStatus] = []
  package var peers: [Peer] = []
  package var places: [Place] = []
  package var disks: [Disk] = []
  package var descriptors: [Descriptors] = []
  /// What starts everything as it was started before.
  package var startCommand = "p2pctl supervisor start"

  package init(version: String, user: UInt32, supervisorSocket: String, supervisor: Answer) {
    self.version = version
    self.user = user
    self.supervisorSocket = supervisorSocket
    self.supervisor = supervisor
  }
}
