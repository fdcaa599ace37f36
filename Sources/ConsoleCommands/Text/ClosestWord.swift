// SPDX-License-Identifier: Apache-2.0

/// Finds the word that was probably meant.
package enum ClosestWord {
  /// The closest word; `nil` if its distance exceeds a third of its length.
  package static func to(_ typed: String, among words: [String]) -> String? {
    guard typed.count <= 32 else { return nil }
    let closest = words.map { (word: $0, distance: distance(Array(typed), Array($0))) }
      .min { $0.distance < $1.distance }
    guard let closest, closest.distance <= max(1, closest.word.count / 3) else { return nil }
    return closest.word
  }

  /// All close words, closest first, ignoring case. Words over 64 characters are left out.
  package static func nearest(to typed: String, among words: [String], limit: Int) -> [String] {
    let maxLength = 64
    guard typed.count <= maxLength else { return [] }
    let wanted = Array(typed.lowercased())
    let close = words.compactMap { word -> (word: String, distance: Int)? in
      // The distance is at least the difference of the lengths.
      let maxDistance = max(1, word.count / 3)
      guard word.count <= maxLength, abs(word.count - wanted.count) <= maxDistance else { return nil }
      let distance = distance(wanted, Array(word.lowercased()))
      return distance <= maxDistance ? (word, distance) : nil
    }
    return close.sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }.prefix(limit).map(\.word)
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
  package static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast = [Int]()
    var last = Array(0...right.count)
    for (row, leftCharacter) in left.enumerated() {
      var current = [row + 1]
      for (column, rightCharacter) in right.enumerated() {
        let replaced = last[column] + (leftCharacter == rightCharacter ? 0 : 1)
        var best = min(replaced, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, leftCharacter == right[column - 1], left[row - 1] == rightCharacter {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last.last ?? 0
  }
}

/// Verbs of other programs and the commands they correspond to.
enum Synonyms {
  private static let verbs = [
    "ls": "list", "search": "list", "find": "list", "dir": "list", "show": "list", "who": "lookup", "locate": "lookup",
    "share": "add", "put": "add", "upload": "add", "seed": "add", "publish": "add",
    "download": "get", "fetch": "get", "pull": "get", "cp": "get",
    "rm": "remove", "del": "remove", "delete": "remove", "unshare": "remove", "withdraw": "remove",
    "info": "status", "ps": "supervisor status", "log": "logs", "tail": "logs -f", "check": "doctor", "shell": "repl",
    "start": "supervisor start", "stop": "supervisor stop", "restart": "supervisor restart",
    "reload": "supervisor reload", "index": "connect", "downloads": "transfers",
    "uploads": "transfers", "continue": "resume", "abort": "cancel", "throttle": "limit", "rate": "limit",
  ]

  static func verb(for word: String) -> String? {
    verbs[word.lowercased()]
  }
}
