// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import SupervisorDaemon
import SystemPackage
import TestSupport
import Testing

/// The messages and exit statuses of a supervisor that does not start.
@Suite struct SupervisorErrorTests {
  @Test(arguments: [
    (Errno.permissionDenied, Int32(77)), (.notPermitted, 77), (.readOnlyFileSystem, 77), (.noSuchFileOrDirectory, 1),
    (.noSpace, 1),
  ])
  func `missing permissions have their own exit status`(errno: Errno, status: Int32) {
    let error = SupervisorError.system("cannot create /x", errno)
    #expect(error.exitStatus == status)
    #expect(error.message == "cannot create /x: \(errno)")
    #expect(SupervisorError.system("cannot create /x", errno, hint: "try /y").message.hasSuffix("; try /y"))
  }

  private func explain(
    _ what: ListeningSocket.Failure.What, _ errno: Errno, isDefault: Bool = false
  ) -> SupervisorError {
    BlueprintBuilder.explain(.init(what: what, errno: errno), isDefaultIndex: isDefault)
  }

  @Test func `address in use names the cure`() {
    let endpoint = Endpoint(host: "127.0.0.1", port: 7734)
    let named = explain(.tcp(endpoint), .addressInUse)
    #expect(named.message.contains("127.0.0.1:7734 is in use") && named.message.contains("or 0 for any free one"))
    let byDefault = explain(.tcp(endpoint), .addressInUse, isDefault: true)
    #expect(byDefault.message.contains("--serve-index HOST:PORT") && byDefault.message.contains("--index HOST:PORT"))
    #expect(named.exitStatus == 1 && byDefault.exitStatus == 1)
  }

  @Test func `other listening failures say what is wrong`() {
    let endpoint = Endpoint(host: "example.org", port: 1)
    let name = explain(.notAnAddress(endpoint), .invalidArgument)
    #expect(name.exitStatus == 64 && name.message.contains("example.org:1"))
    #expect(explain(.tcp(endpoint), .permissionDenied).exitStatus == 77)
    let file = explain(.unix("/run/x.sock"), .fileExists)
    #expect(file.message.contains("/run/x.sock") && file.message.contains("not a socket"))
    #expect(!explain(.unix("/run/x.sock"), .noSpace).message.contains("not a socket"))
  }

  @Test func `lock in a missing directory is an error, not a lock`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("missing/lock")
    let error = #expect(throws: SupervisorError.self) { _ = try InstanceLock(path: path).release() }
    #expect(error?.exitStatus == 1 && error?.message.contains(path) == true)
  }

  /// A server that accepts and says nothing must not hold up the start.
  @Test func `silent server is not an index`() throws {
    let listener = try ListeningSocket.tcp(Endpoint(host: "127.0.0.1", port: 0))
    defer { listener.close() }
    let address = try #require(listener.endpoint.flatMap { SocketAddress($0) })
    #expect(!IndexProbe.answers(at: address, timeout: .milliseconds(20)))
  }
}
