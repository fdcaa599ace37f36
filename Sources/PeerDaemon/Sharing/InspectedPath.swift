// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import WireProtocol

/// A regular file that was found, with what tells later that it is still the same.
package struct FoundFile: Equatable, Sendable {
  /// Absolute.
  package let path: String
  /// Its own name, or its path below the directory that was named.
  package let name: Substring
  package let fingerprint: FileFingerprint

  package init(path: String, name: Substring, fingerprint: FileFingerprint) {
    self.path = path
    self.name = name
    self.fingerprint = fingerprint
  }
}

/// What stands at a path that is to be added.
package enum InspectedPath: Equatable, Sendable {
  case file(FoundFile)
  /// - Parameters:
  ///   - unreadable: files and directories in it that cannot be shared.
  ///   - more: how many beside itself the last of these stands for.
  case directory(name: String, files: [FoundFile], unreadable: [PathProblem], more: Int = 0)
  case unusable(PathProblem)
}
