// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
package import WireProtocol

/// Which entries below a directory an `add` takes.
package struct TreeSelection: Equatable, Sendable {
  /// Whether to take what symbolic links lead to.
  package var followsLinks: Bool
  /// Whether to take names that begin with a dot.
  package var takesHidden: Bool
  /// Patterns of glob(7). One without a slash is compared with each name, one with a slash with the path below the
  /// directory.
  package var excluded: [String]

  package init(followsLinks: Bool = false, takesHidden: Bool = false, excluded: [String] = []) {
    self.followsLinks = followsLinks
    self.takesHidden = takesHidden
    self.excluded = excluded
  }

  /// - Parameters:
  ///   - name: of the entry.
  ///   - path: below the directory that was named.
  /// - Returns: `nil` to take the entry.
  package func reason(toLeaveOut name: String, at path: String) -> LeftOut.Reason? {
    if name.beginsWithDot, !takesHidden { return .hidden }
    return excluded.contains { Self.matches($0, name, path) } ? .excluded : nil
  }

  private static func matches(_ pattern: String, _ name: String, _ path: String) -> Bool {
    // `build/` and `/build` mean the directory, as in other tools.
    let pattern = String(pattern.withoutTrailingSlashes)
    guard pattern.segments(omittingEmpty: false).count > 1 else { return fnmatch(pattern, name, 0) == 0 }
    let below = pattern.beginsWithSlash ? String(Substring(pattern.utf8.dropFirst())) : pattern
    return fnmatch(below, path, FNM_PATHNAME) == 0
  }
}
