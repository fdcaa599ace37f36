// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Glibc
import ProcessSupport
import TestSupport
import Testing

/// The choice of a socket by what exists in the layouts.
@Suite struct SocketSearchTests {
  private let home: TemporaryDirectory
  private let other: TemporaryDirectory
  private let search: SocketSearch

  init() throws {
    home = try TemporaryDirectory()
    other = try TemporaryDirectory()
    for directory in [home, other] { mkdir(directory.file("run"), 0o700) }
    search = SocketSearch(layouts: [Layout(home: home.path), Layout(home: other.path)], user: try PeerName("alice"))
  }

  private func abandon(_ names: String..., in directory: TemporaryDirectory? = nil) throws {
    for name in names { try UnixListener.abandon(at: (directory ?? home).file("run/\(name).sock")) }
  }

  private func found(_ name: String? = nil) throws -> FoundSocket {
    try search.controlSocket(of: try name.map { try PeerName($0) })
  }

  @Test func `default path is that of the user's peer`() throws {
    #expect(try found() == FoundSocket(name: try PeerName("alice"), path: home.file("run/alice.sock")))
    #expect(try found("bob").path == home.file("run/bob.sock"))
    #expect(try search.supervisorLayout().supervisorSocket == home.file("run/supervisor.sock"))
  }

  @Test func `only socket is selected`() throws {
    try abandon("bob")
    #expect(try found().name?.text == "bob")
  }

  @Test func `user's socket is selected among several`() throws {
    try abandon("bob", "alice", "carol")
    #expect(try found().name?.text == "alice")
  }

  @Test func `several other sockets are ambiguous`() throws {
    try abandon("carol", "bob")
    #expect(throws: SocketSearch.Failure.severalPeers([try PeerName("bob"), try PeerName("carol")])) { try found() }
    #expect(try found("carol").path == home.file("run/carol.sock"))
  }

  @Test func `stale socket is no choice`() throws {
    try abandon("bob")
    let listener = try UnixListener.listen(at: home.file("run/carol.sock"))
    defer { close(listener) }
    #expect(try found().name?.text == "carol")
  }

  @Test func `first layout takes precedence`() throws {
    try abandon("bob", in: other)
    #expect(try found("bob").path == other.file("run/bob.sock"))
    try abandon("bob")
    #expect(try found("bob").path == home.file("run/bob.sock"))
    try abandon("supervisor", in: other)
    #expect(try search.supervisorLayout().supervisorSocket == other.file("run/supervisor.sock"))
  }

  @Test(.enabled(if: geteuid() == 0, "only root gives files to others"))
  func `what other users have in the machine's layout does not count`() throws {
    let caller: UInt32 = 54_321
    let layouts = [Layout(home: home.path), Layout(home: other.path)]
    let search = SocketSearch(layouts: layouts, user: try PeerName("alice"), caller: caller)
    try abandon("mail", "daemon", "supervisor", in: other)
    #expect(try search.controlSocket(of: nil).path == home.file("run/alice.sock"))
    #expect(try search.supervisorLayout() == layouts[0])
    #expect(!search.serves(layouts[1]) && search.peersOfCaller(in: layouts[1]).isEmpty)
    #expect(try search.controlSocket(of: try PeerName("mail")).path == other.file("run/mail.sock"), "one that is named")

    // The service runs a peer of the caller.
    try #require(lchown(other.file("run/mail.sock"), caller, caller) == 0)
    #expect(try search.controlSocket(of: nil).path == other.file("run/mail.sock"))
    #expect(try search.supervisorLayout() == layouts[1])
    #expect(search.peersOfCaller(in: layouts[1]).map(\.text) == ["mail"])

    // The own supervisor comes first.
    try abandon("supervisor")
    #expect(try search.supervisorLayout() == layouts[0])
  }

  @Test func `only sockets of peers count`() throws {
    try abandon("supervisor", "index")
    try home.write("run/dave.sock", [])
    try home.write("run/x.txt", [])
    #expect(SocketSearch.peers(in: Layout(home: home.path)).isEmpty)
    #expect(SocketSearch.peers(in: Layout(home: "/nonexistent")).isEmpty)
  }

  @Test func `search without layouts fails`() throws {
    let nowhere = SocketSearch(layouts: [], user: nil)
    #expect(throws: SocketSearch.Failure.nowhere) { try nowhere.controlSocket(of: nil) }
    #expect(throws: SocketSearch.Failure.nowhere) { try nowhere.supervisorLayout() }
    let nobody = SocketSearch(layouts: [Layout(home: home.path)], user: nil)
    #expect(throws: SocketSearch.Failure.nowhere) { try nobody.controlSocket(of: nil) }
  }

  // MARK: Reading a path

  @Test(arguments: [
    ("/home/a/run/alice.sock", "alice"), ("/run/p2p/bob/control.sock", "bob"), ("alice.sock", "alice"),
    ("/run/control.sock", "run"), ("control.sock", nil), ("/run/index.sock", nil), ("/run/x.txt", nil), ("", nil),
    ("/run/a b.sock", nil),
  ])
  func `peer is read from the path of its socket`(path: String, name: String?) {
    #expect(SocketSearch.peer(at: path)?.text == name)
  }

  @Test func `layouts of a socket are those that would create it`() throws {
    let known = [Layout(home: "/one"), Layout(home: "/two"), Layout.system]
    func homes(_ socket: String) -> [String] {
      SocketSearch.layouts(of: socket, among: known).map(\.logDirectory)
    }
    #expect(Set(homes("/two/run/bob.sock")) == ["/two/log"])
    #expect(homes("/run/p2p/bob/control.sock") == [Layout.system.logDirectory])
    #expect(homes("/three/run/bob.sock") == ["/three/log"])
    #expect(homes("/three/sockets/bob.sock").isEmpty)
  }
}
