// SPDX-License-Identifier: Apache-2.0

/// Finds what somebody probably meant.
package enum ClosestWord {
  /// The word at the smallest distance, where that is at most a third of its length; `nil` where none is close.
  package static func to(_ typed: String, among words: [String]) -> String? {
    guard typed.count <= 32 else { return nil }
    let closest = words.map { (word: $0, distance: distance(Array(typed), Array($0))) }
      .min { $0.distance < $1.distance }
    guard let closest, closest.distance <= max(1, closest.word.count / 3) else { return nil }
    return closest.word
  }

  /// The words that are as close, the closest first, without regard to case. Longer ones than anybody types are left out.
  package static func nearest(to typed: String, among words: [String], limit: Int) -> [String] {
    let longest = 64
    guard typed.count <= longest else { return [] }
    let wanted = Array(typed.lowercased())
    let close = words.compactMap { word -> (word: String, distance: Int)? in
      // A distance is never less than the difference of the lengths.
      let most = max(1, word.count / 3)
      guard word.count <= longest, abs(word.count - wanted.count) <= most else { return nil }
      let distance = distance(wanted, Array(word.lowercased()))
      return distance <= most ? (word, distance) : nil
    }
    return close.sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }.prefix(limit).map(\.word)
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
  static func distance(_ left: [Character], _ right: [Character]) -> Int {
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

/// Words that other programs have for what is done here.
enum Synonyms {
  private static let verbs = [
    "ls": "list", "search": "list", "find": "list", "dir": "list", "show": "list", "who": "lookup", "locate": "lookup",
    "share": "add", "put": "add", "upload": "add", "seed": "add", "publish": "add",
    "download": "get", "fetch": "get", "pull": "get", "cp": "get",
    "rm": "remove", "del": "remove", "delete": "remove", "unshare": "remove", "withdraw": "remove",
    "info": "status", "ps": "supervisor status", "log": "logs", "tail": "logs -f", "check": "doctor", "shell": "repl",
    "start": "supervisor start", "stop": "supervisor stop", "restart": "supervisor restart",
    "reload": "supervisor reload", "index": "connect", "join": "connect", "downloads": "transfers",
    "uploads": "transfers",
  ]

  static func verb(for word: String) -> String? {
    verbs[word.lowercased()]
  }
}
