// SPDX-License-Identifier: Apache-2.0

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
    if name.hasPrefix("."), !takesHidden { return .hidden }
    return excluded.contains { Self.matches($0, name, path) } ? .excluded : nil
  }

  private static func matches(_ pattern: String, _ name: String, _ path: String) -> Bool {
    var pattern = pattern[...]
    // `build/` and `/build` mean the directory, as in other tools.
    while pattern.hasSuffix("/") { pattern.removeLast() }
    guard pattern.contains("/") else { return fnmatch(String(pattern), name, 0) == 0 }
    if pattern.hasPrefix("/") { pattern.removeFirst() }
    return fnmatch(String(pattern), path, FNM_PATHNAME) == 0
  }
}
