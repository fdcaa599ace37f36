// SPDX-License-Identifier: Apache-2.0

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
