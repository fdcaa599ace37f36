// SPDX-License-Identifier: Apache-2.0

import CProcess

extension ProcessSpecification {
  /// Calls `body` with the C form of this value, whose pointers are good during the call only.
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

  /// The array of pointers that execve(2) takes, NULL at its end.
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
      // The array is never empty, so it has an address; the other branch only satisfies the type.
      guard let address = pointers.baseAddress else { return withUnsafePointer(to: nil) { body($0) } }
      return body(address)
    }
  }
}
