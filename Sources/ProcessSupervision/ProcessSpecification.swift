// SPDX-License-Identifier: Apache-2.0

/// What to start, as a value.
package struct ProcessSpecification: Sendable, Equatable {
  /// An open file of the parent and the number under which the child finds it.
  package struct Descriptor: Sendable, Hashable {
    package let source: Int32
    package let target: Int32

    package init(source: Int32, target: Int32) {
      self.source = source
      self.target = target
    }
  }

  /// One resource limit: setrlimit(2). `UInt64.max` means unlimited.
  package struct Limit: Sendable, Hashable {
    /// A number RLIMIT_… of setrlimit(2).
    package let resource: Int32
    package let soft: UInt64
    package let hard: UInt64

    package init(resource: Int32, soft: UInt64, hard: UInt64) {
      self.resource = resource
      self.soft = soft
      self.hard = hard
    }
  }

  /// As whom the child runs: credentials(7).
  package struct Identity: Sendable, Hashable {
    package let user: UInt32
    package let group: UInt32
    package let supplementaryGroups: [UInt32]

    package init(user: UInt32, group: UInt32, supplementaryGroups: [UInt32] = []) {
      self.user = user
      self.group = group
      self.supplementaryGroups = supplementaryGroups
    }
  }

  /// A path; PATH is not searched.
  package let executable: String
  /// Without the name of the program.
  package var arguments: [String]
  /// All that the child gets; nothing is inherited.
  package var environment: [String: String]
  /// Where it starts; `nil` keeps the parent's directory.
  package var directory: String?
  /// What it has open. 0, 1 and 2 are inherited where they are not mapped; all else is closed.
  package var descriptors: [Descriptor]
  package var limits: [Limit]
  /// `nil` keeps the parent's identity.
  package var identity: Identity?
  /// The signal it gets when the thread that started it ends; `nil` for none.
  package var deathSignal: Int32?
  /// Whether it leads a session of its own, away from the parent's terminal.
  package var leadsSession: Bool
  /// Whether it and its children may never gain privileges.
  package var refusesPrivileges: Bool

  package init(
    executable: String, arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil,
    descriptors: [Descriptor] = [], limits: [Limit] = [], identity: Identity? = nil, deathSignal: Int32? = nil,
    leadsSession: Bool = true, refusesPrivileges: Bool = true
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.descriptors = descriptors
    self.limits = limits
    self.identity = identity
    self.deathSignal = deathSignal
    self.leadsSession = leadsSession
    self.refusesPrivileges = refusesPrivileges
  }
}
