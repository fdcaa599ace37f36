// SPDX-License-Identifier: Apache-2.0

package import Logging
import ProcessSupport

/// Logs to standard error: time, level, message, then the metadata as `name=value` in the order of names.
package struct PeerLog: LogHandler {
  package var metadataProvider: Logger.MetadataProvider?
  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level
  private let output: StandardError

  init(output: StandardError) {
    self.output = output
    logLevel = Logger.Level(rawValue: output.style.level.rawValue) ?? .info
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
    output.report(Self.text(event.message, all, error: event.error), Self.level(event.level))
  }

  /// `connected to index address=127.0.0.1:7734`
  package static func text(_ message: Logger.Message, _ metadata: Logger.Metadata, error: (any Error)?) -> String {
    var text = "\(message)"
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { text += " \(name)=\(value)" }
    if let error { text += " error=\(error)" }
    return text
  }

  private static func level(_ level: Logger.Level) -> LogStyle.Level {
    LogStyle.Level(rawValue: level.rawValue) ?? .debug
  }
}
