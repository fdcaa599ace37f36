// SPDX-License-Identifier: Apache-2.0

import CProcess

/// A process to start, as a value.
package struct ProcessSpecification: Sendable, Equatable {
  /// A descriptor of the parent and its number in the child.
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

  /// The user and groups of the child: credentials(7).
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
  /// Without the program name.
  package var arguments: [String]
  /// The whole environment of the child; nothing is inherited.
  package var environment: [String: String]
  /// Its working directory; `nil` keeps the parent's.
  package var directory: String?
  /// Its open descriptors. 0, 1 and 2 are inherited unless they are mapped; all others are closed.
  package var descriptors: [Descriptor]
  package var limits: [Limit]
  /// `nil` keeps the parent's identity.
  package var identity: Identity?
  /// Sent to it when the thread that started it ends; `nil` for none.
  package var deathSignal: Int32?
  /// Whether it leads its own session, detached from the parent's terminal.
  package var leadsSession: Bool
  /// Whether it and its children can never gain privileges.
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

extension ProcessSpecification {
  /// Calls `body` with the C form of this value, whose pointers are valid only during the call.
  func withCStructure<Result>(_ body: (inout process_specification) -> Result) -> Result {
    let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return executable.withCString { path in
      Self.withCStrings([executable] + arguments) { arguments in
        Self.withCStrings(variables) { environment in
          withArrays { descriptors, limits, groups in
            var identity = process_identity(
              user: self.identity?.user ?? 0, group: self.identity?.group ?? 0,
              groups: groups.baseAddress, group_count: groups.count)
            return withUnsafePointer(to: &identity) { identity in
              Self.withOptionalCString(directory) { directory in
                var structure = process_specification(
                  path: path, arguments: arguments, environment: environment, directory: directory,
                  descriptors: descriptors.baseAddress, descriptor_count: descriptors.count,
                  limits: limits.baseAddress, limit_count: limits.count,
                  identity: self.identity == nil ? nil : identity,
                  death_signal: deathSignal ?? 0, new_session: leadsSession,
                  no_new_privileges: refusesPrivileges)
                return body(&structure)
              }
            }
          }
        }
      }
    }
  }

  private func withArrays<Result>(
    _ body: (
      UnsafeBufferPointer<process_descriptor>, UnsafeBufferPointer<process_limit>, UnsafeBufferPointer<gid_t>
    ) -> Result
  ) -> Result {
    let descriptors = descriptors.map { process_descriptor(source: $0.source, target: $0.target) }
    let limits = limits.map { process_limit(resource: $0.resource, soft: $0.soft, hard: $0.hard) }
    return descriptors.withUnsafeBufferPointer { descriptors in
      limits.withUnsafeBufferPointer { limits in
        (identity?.supplementaryGroups ?? []).withUnsafeBufferPointer { body(descriptors, limits, $0) }
      }
    }
  }

  private static func withOptionalCString<Result>(
    _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
  ) -> Result {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
  }

  /// The NULL-terminated array of pointers that execve(2) takes.
  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let bytes = texts.flatMap { Array($0.utf8CString) }
    let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count + 1)
    defer { memory.deallocate() }
    _ = memory.update(fromContentsOf: bytes)
    var pointers: [UnsafeMutablePointer<CChar>?] = []
    var offset = 0
    for text in texts {
      pointers.append(memory.baseAddress.map { $0 + offset })
      offset += text.utf8CString.count
    }
    pointers.append(nil)
    return pointers.withUnsafeBufferPointer { pointers in
      // Never nil, because the array is not empty.
      guard let address = pointers.baseAddress else { return withUnsafePointer(to: nil) { body($0) } }
      return body(address)
    }
  }
}
