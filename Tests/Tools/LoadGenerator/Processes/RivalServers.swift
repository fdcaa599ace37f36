// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport

/// The installed Redis and nginx, each on a free port.
struct RivalServers {
  private static let timeout = Duration.seconds(10)

  let redis: (endpoint: Endpoint, pid: Int32)
  let nginx: Endpoint

  /// - Parameters:
  ///   - directory: for the files of both.
  ///   - documents: the directory that nginx serves.
  init(directory: String, documents: String, services: Services) throws {
    let redisEndpoint = Endpoint(host: "127.0.0.1", port: try Self.freePort())
    let pid = try services.start(
      Tool.installed("redis-server"),
      ["--port", "\(redisEndpoint.port)", "--bind", redisEndpoint.host, "--save", "", "--dir", directory],
      log: directory + "/redis.log")
    redis = (redisEndpoint, pid)
    nginx = Endpoint(host: "127.0.0.1", port: try Self.freePort())
    try TextFile.write(Self.nginxSettings(nginx, directory, documents), to: directory + "/nginx.conf")
    _ = try services.start(
      Tool.installed("nginx"), ["-p", directory, "-c", directory + "/nginx.conf"], log: directory + "/nginx.log")
    for endpoint in [redis.endpoint, nginx] {
      let answers = eventuallyOnThread(within: Self.timeout) { (try? RawConnection(to: endpoint)) != nil }
      guard answers else { throw BenchFailure("nothing listens at \(endpoint) after \(Self.timeout)") }
    }
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

  /// Settings of Debian that matter here: sendfile, a worker per processor. No request log.
  private static func nginxSettings(_ endpoint: Endpoint, _ directory: String, _ documents: String) -> String {
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(directory)/\($0);" }
    return """
      daemon off; pid \(directory)/nginx.pid; error_log stderr; worker_processes auto;
      \(getuid() == 0 ? "user root;" : "")
      events { worker_connections 256; }
      http {
        access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
        \(paths.joined(separator: " "))
        server { listen \(endpoint); root \(documents); }
      }
      """
  }

  /// A port that was free a moment ago: neither server takes port 0 and reports what it got.
  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard result == 0 else { throw BenchFailure.system("bind") }
    return UInt16(bigEndian: address.sin_port)
  }
}
