// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport

/// The installed Redis and nginx, each on a free port.
struct RivalServers {
  let redis: (endpoint: Endpoint, pid: Int32)
  let nginx: Endpoint

  /// - Parameters:
  ///   - directory: for the files of both.
  ///   - documents: the directory that nginx serves.
  init(directory: String, documents: String, services: Services) throws {
    redis = try Self.startRedis(directory: directory, services: services)
    nginx = try NginxServer.start(directory: directory, documents: documents, services: services)
  }

  static func startRedis(directory: String, services: Services) throws -> (endpoint: Endpoint, pid: Int32) {
    let endpoint = Endpoint(host: "127.0.0.1", port: try LoopbackPort.free())
    let pid = try services.start(
      Tool.installed("redis-server"),
      ["--port", "\(endpoint.port)", "--bind", endpoint.host, "--save", "", "--dir", directory],
      log: directory + "/redis.log")
    try LoopbackPort.waitForServer(at: endpoint)
    return (endpoint, pid)
  }

  /// Stores a value and a list in Redis.
  func store(value: [UInt8], under key: String, rows: [[UInt8]], underList list: String) throws {
    let connection = try RawConnection(to: redis.endpoint)
    try Self.command(["SET", key], value, on: connection)
    for row in rows { try Self.command(["RPUSH", list], row, on: connection) }
  }

  private static func command(_ words: [String], _ value: [UInt8], on connection: RawConnection) throws {
    try connection.send(LoadRequest.redis(words + [String(decoding: value, as: UTF8.self)]))
    guard let answer = try connection.line(), !answer.hasPrefix("-") else {
      throw BenchFailure("Redis refused a command")
    }
  }
}
