// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport

/// The installed nginx.
enum NginxServer {
  /// - Parameters:
  ///   - directory: for its files.
  ///   - documents: the directory that it serves.
  ///   - isSecure: whether it speaks TLS 1.3, with a P-256 key as peers have.
  static func start(
    directory: String, documents: String, isSecure: Bool = false, services: Services
  ) throws -> Endpoint {
    let endpoint = Endpoint(host: "127.0.0.1", port: try LoopbackPort.free())
    if isSecure { try makeCertificate(directory) }
    try TextFile.write(settings(endpoint, directory, documents, isSecure), to: directory + "/nginx.conf")
    _ = try services.start(
      Tool.installed("nginx"), ["-p", directory, "-c", directory + "/nginx.conf"], log: directory + "/nginx.log")
    try LoopbackPort.waitForServer(at: endpoint)
    return endpoint
  }

  /// Settings of Debian that matter here: sendfile, a worker per processor. No request log.
  private static func settings(
    _ endpoint: Endpoint, _ directory: String, _ documents: String, _ isSecure: Bool
  ) -> String {
    let tls = """
      ssl_certificate \(directory)/nginx.crt; ssl_certificate_key \(directory)/nginx.key; ssl_protocols TLSv1.3;
      """
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(directory)/\($0);" }
    return """
      daemon off; pid \(directory)/nginx.pid; error_log stderr; worker_processes auto;
      \(getuid() == 0 ? "user root;" : "")
      events { worker_connections 256; }
      http {
        access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
        \(paths.joined(separator: " "))
        server { listen \(endpoint)\(isSecure ? " ssl" : ""); root \(documents); \(isSecure ? tls : "") }
      }
      """
  }

  private static func makeCertificate(_ directory: String) throws {
    try Tool(path: Tool.installed("openssl"), scratch: directory).run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
      "-keyout", directory + "/nginx.key", "-out", directory + "/nginx.crt",
    ])
  }
}

/// Ports for servers that do not take port 0 and report what they got.
enum LoopbackPort {
  private static let timeout = Duration.seconds(10)

  static func waitForServer(at endpoint: Endpoint) throws {
    let answers = eventuallyOnThread(within: timeout) { (try? RawConnection(to: endpoint)) != nil }
    guard answers else { throw BenchFailure("nothing listens at \(endpoint) after \(timeout)") }
  }

  /// A port that was free a moment ago.
  static func free() throws -> UInt16 {
    let descriptor = try IPv4Socket.listen("127.0.0.1")
    defer { close(descriptor) }
    return try IPv4Socket.port(of: descriptor)
  }
}
