// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import TestSupport

/// An index of its own for each measurement, so that its delays belong to that.
struct HostileIndex {
  /// Contents under one key.
  private static let crowd = 50_000

  let endpoint: Endpoint
  let process: Int32
  private let services: Services
  private let crowd: KeptAlive

  /// - Parameter descriptors: that the index may have; `nil` for all.
  init(executables: String, directory: String, services: Services, descriptors: Int?) throws {
    endpoint = Endpoint(host: "127.0.0.1", port: try LoopbackPort.free())
    self.services = services
    let limit = descriptors.map { "ulimit -n \($0) && " } ?? ""
    process = try services.start(
      "/bin/sh", ["-c", #"\#(limit)exec "$0" --listen "$1""#, executables + "/p2p-index", endpoint.description],
      log: directory + "/index.log")
    try LoopbackPort.waitForServer(at: endpoint)
    let holder = try Self.session(endpoint, 1)
    try Self.fill(holder, Self.crowd) { HostileLines.document("file/crowd", $0, "title word\($0)") }
    crowd = KeptAlive([holder])
  }

  func end() {
    crowd.stop()
    services.end([process])
  }

  // MARK: Sessions

  func session(_ number: Int, port: Int? = 1) throws -> RawConnection {
    try Self.session(endpoint, number, port: port)
  }

  private static func session(_ endpoint: Endpoint, _ number: Int, port: Int? = 1) throws -> RawConnection {
    let connection = try RawConnection(to: endpoint)
    guard try connection.ask(HostileLines.hello(number, port: port))["status"] == 200 else {
      throw BenchFailure("the index refuses hello")
    }
    return connection
  }

  static func fill(_ connection: RawConnection, _ count: Int, _ document: (Int) -> String) throws {
    for start in stride(from: 0, to: count, by: 1000) {
      _ = try connection.ask(HostileLines.add((start..<start + 1000).map(document)))
    }
  }

  // MARK: Numbers

  /// What the index measures of itself, by its name in `stats`, in milliseconds.
  func milliseconds(_ name: String, by connection: RawConnection) throws -> (p99: Double, max: Double) {
    let times = try connection.ask(#"{"id":9,"op":"stats"}"#)[name]
    func value(_ quantile: String) -> Double { Double(times?[quantile]?.integer ?? 0) / 1000 }
    return (value("p99"), value("max"))
  }

  /// In MiB: what it has now, and what it had at most.
  func memory() throws -> (now: Double, most: Double) {
    let text = String(decoding: TemporaryDirectory.read("/proc/\(process)/status") ?? [], as: UTF8.self)
    func value(_ name: String) throws -> Double {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
      guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) else {
        throw BenchFailure("the index has ended")
      }
      return kibibytes / 1024
    }
    return (try value("VmRSS:"), try value("VmHWM:"))
  }
}
