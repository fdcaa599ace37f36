// SPDX-License-Identifier: Apache-2.0

import TOMLKit

/// Settings from the environment: `P2P_INDEX_LISTEN` is `listen` of `[index]`. They win over the file, as the flags of
/// `run` win over them. Tables of single peers have no variables; an empty variable says nothing.
package enum EnvironmentSettings {
  /// Whether the environment sets anything that the file could.
  package static func setAny(_ environment: [String: String]) -> Bool {
    names.contains { environment[variable($0)]?.isEmpty == false }
  }

  /// `index.listen` → `P2P_INDEX_LISTEN`
  static func variable(_ path: String) -> String {
    "P2P_" + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }

  private static var names: [String] {
    SettingNames.single.flatMap { table, names in names.map { "\(table).\($0)" } }
      + SettingNames.removed.map { "\($0.table).\($0.name)" }
  }

  /// The same as the file would hold, to be read by the same rules.
  static func table(_ environment: [String: String]) -> TOMLTable {
    let document = TOMLTable()
    for (name, settings) in SettingNames.single {
      let table = TOMLTable()
      for setting in settings {
        guard let text = environment[variable("\(name).\(setting)")], !text.isEmpty else { continue }
        table[setting] = value(text, of: setting)
      }
      if !table.isEmpty { document[name] = table }
    }
    return document
  }

  /// What is no value of the wanted type stays text, and is refused as such.
  private static func value(_ text: String, of setting: String) -> any TOMLValueConvertible {
    switch setting {
    case "kill_unresponsive_after": Int(text) ?? text
    case "serve": ["true": true, "false": false][text] ?? text
    case "allow_advertise": TOMLArray(text.split { $0 == " " || $0 == "," }.map(String.init))
    default: text
    }
  }
}
