// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import Synchronization

/// The configuration of a run: a file that may be missing at the start, and the environment. A file that was there must be
/// there at every later reload, because without it everything would change at once.
final class ConfigurationSource: Sendable {
  private let path: String
  private let environment: [String: String]
  private let mustExist: Mutex<Bool>

  /// - Parameter mustExist: whether the path was named explicitly.
  init(path: String, mustExist: Bool, environment: [String: String]) {
    self.path = path
    self.environment = environment
    self.mustExist = Mutex(mustExist)
  }

  /// `nil` if nothing is configured.
  func read() throws(SupervisorError) -> ConfigurationFile? {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try SmallFile.read(path)
    } catch {
      guard error.code == ENOENT || error.code == ENOTDIR, !mustExist.withLock({ $0 }), !isLink else {
        throw SupervisorError(.noInput, "cannot read the configuration \(path): \(error)")
      }
      return EnvironmentSettings.setAny(environment) ? try parse("") : nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SupervisorError(.usage, "\(path) is not UTF-8")
    }
    let file = try parse(text)
    mustExist.withLock { $0 = true }
    return file
  }

  /// One whose target is missing.
  private var isLink: Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private func parse(_ text: String) throws(SupervisorError) -> ConfigurationFile {
    do throws(ConfigurationError) {
      return try ConfigurationFile(text, environment: environment)
    } catch {
      throw SupervisorError(.usage, describe(error))
    }
  }

  /// An environment variable names itself; a setting of the file is named after the file.
  func describe(_ error: ConfigurationError) -> String {
    error.path.hasPrefix("P2P_") ? "\(error)" : "\(path): \(error)"
  }
}
