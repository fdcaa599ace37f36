// SPDX-License-Identifier: Apache-2.0

import TOMLKit
import WireProtocol

/// Settings from the environment: `P2P_INDEX_LISTEN` is `listen` of `[index]`. They override the file, and the flags of `run`
/// override them. Tables of single peers have no variables; an empty variable counts as unset.
package enum EnvironmentSettings {
  /// Whether the environment sets any setting of the file.
  package static func setAny(_ environment: [String: String]) -> Bool {
    names.contains { environment[variable($0)]?.isEmpty == false }
  }

  /// A warning for each variable that looks like a setting and is none.
  package static func unknown(in environment: [String: String]) -> [String] {
    let known = Set(names.map(variable)).union(["P2P_HOME", ChannelProtocol.environmentVariable])
    let unknown = environment.keys.filter { $0.hasPrefix("P2P_") && !known.contains($0) }.sorted()
    return unknown.map { name in
      // The words of a name in any order, such as P2P_LISTEN_INDEX, or with one missing, such as P2P_LISTEN.
      let words = Set(name.split(separator: "_"))
      let longer = known.filter { words.isSubset(of: Set($0.split(separator: "_"))) }
      let fewest = longer.map { $0.split(separator: "_").count }.min()
      let similar = longer.filter { $0.split(separator: "_").count == fewest }.sorted().prefix(3)
      return "\(name) in the environment is unknown and ignored"
        + (similar.isEmpty || words.count < 2 ? "" : "; did you mean \(similar.joined(separator: " or "))?")
    }
  }

  /// `index.listen` → `P2P_INDEX_LISTEN`
  static func variable(_ path: String) -> String {
    "P2P_" + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }

  private static var names: [String] {
    SettingNames.single.flatMap { table, names in names.map { "\(table).\($0)" } }
      + SettingNames.removed.map { "\($0.table).\($0.name)" }
  }

  /// The settings as a TOML document, to be read by the same rules as the file.
  static func table(_ environment: [String: String]) -> TOMLTable {
    let document = TOMLTable()
    for (name, settings) in SettingNames.single {
      let table = TOMLTable()
      for setting in settings {
        guard let text = environment[variable("\(name).\(setting)")], !text.isEmpty else { continue }
        table[setting] = value(text, of: setting)
      }
      if !table.isEmpty { add(table, name, to: document) }
    }
    return document
  }

  /// - Parameter name: of a table, or of a table in a table: `network.limits`.
  private static func add(_ table: TOMLTable, _ name: String, to document: TOMLTable) {
    let names = name.split(separator: ".").map(String.init)
    guard names.count == 2 else { return document[name] = table }
    let outer = document[names[0]]?.table ?? TOMLTable()
    outer[names[1]] = table
    document[names[0]] = outer
  }

  /// Text that does not convert stays a string, which the reader refuses.
  private static func value(_ text: String, of setting: String) -> any TOMLValueConvertible {
    switch setting {
    case "kill_unresponsive_after", "grace", "memory": Int(text) ?? text
    case _ where setting.contains("_per_"): Int(text) ?? text
    case "serve", "open": ["true": true, "false": false][text] ?? text
    case "allow_advertise": TOMLArray(text.split { $0 == " " || $0 == "," }.map(String.init))
    default: text
    }
  }
}

/// The settings that each table of the file may have.
enum SettingNames {
  static let tables = ["supervisor", "log", "index", "network", "peer", "peers"]
  static let supervisor = ["kill_unresponsive_after"]
  static let log = ["to", "level", "format"]
  static let index = [
    "serve", "listen", "address", "user", "allow_advertise", "memory", "memory_per_address", "records_per_address",
    "requests_per_address",
  ]
  static let network = ["open", "plain", "grace"]
  static let networkLimits = [
    "sessions_per_member", "requests_per_member", "records_per_member", "bytes_per_member", "connections_per_address",
    "bytes_per_address",
  ]
  static let peer = ["listen", "advertise"]
  /// Of a table `[peers.NAME]`.
  static let ofPeer = ["listen", "advertise", "user"]

  /// Settings of earlier versions. For one release they are ignored with a warning, in the file and in the environment.
  static let removed = [(table: "supervisor", name: "standby")]

  /// The tables that exist once, so that a variable can name their settings.
  static let single = [
    ("supervisor", supervisor), ("log", log), ("index", index), ("network", network),
    ("network.limits", networkLimits), ("peer", peer),
  ]
}
