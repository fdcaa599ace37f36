// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What became of the sources that were tried: counted, and the first few kept to be told.
package struct SourceFailures {
  private static let maxTold = 3

  /// How many failures there were; one that was tried twice counts twice.
  package private(set) var count = 0
  /// How many said nothing in time.
  package private(set) var silent = 0
  /// Whether somebody sent what does not belong to the content.
  package private(set) var hasWrongBytes = false
  private var told: [(holder: Holder, failure: SourceFailure)] = []

  package init() {}

  package mutating func note(_ holder: Holder, _ failure: SourceFailure) {
    count += 1
    if failure == .silent { silent += 1 }
    if case .wrongBytes = failure {
      // What decides how the download ends is told in any case.
      if !hasWrongBytes { told.insert((holder, failure), at: 0) }
      hasWrongBytes = true
    } else {
      told.append((holder, failure))
    }
    if told.count > Self.maxTold { told.removeLast() }
  }

  /// Who failed and why, for people; empty where nobody was tried.
  package var explanation: String {
    let said = told.map { "\($0.holder.name) \($0.failure)" }.joined(separator: "; ")
    return count > told.count ? "\(said); and \(count - told.count) more" : said
  }
}
