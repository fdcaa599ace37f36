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
  /// - Parameter unreadable: files and directories in it that cannot be shared.
  case directory(name: String, files: [FoundFile], unreadable: [PathProblem])
  case unusable(PathProblem)
}
