// SPDX-License-Identifier: Apache-2.0

import CSQLite
import DocumentModel
import Glibc
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

/// Which file is taken for the database of a network.
@Suite struct StorePlaceTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("network.sqlite") }
  private var mark: String { directory.file("begun") }
  private static let index = peer(99)
  private static let member = MembershipChange.member(
    Member(peer: peer(1), role: .reader, since: time(1), name: nil, tickets: [hash(1)]))

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func reason(of index: PeerID = Self.index) -> String? {
    do {
      _ = try NetworkStore(path: path, of: index)
      return nil
    } catch {
      return "\(error)"
    }
  }

  private func begin() throws { try NetworkStore(path: path, of: Self.index).commit([Self.member], []) }

  private func members() throws -> Int { try NetworkStore(path: path, of: Self.index).load().members.count }

  @Test func `a copy of the file is recognised by its beginning`() throws {
    let store = try NetworkStore(path: path, of: Self.index)
    let start = try #require(TemporaryDirectory.read(path)?.prefix(72))
    #expect(start.suffix(4).elementsEqual("p2pn".utf8))
    withExtendedLifetime(store) {}
  }

  @Test func `the file is for its owner only, whatever the creation mask`() throws {
    _ = try NetworkStore(path: path, of: Self.index)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    chmod(path, 0o644)
    #expect(try #require(reason()).contains("chmod 600"))
  }

  @Test func `links, directories and fifos are refused`() throws {
    let target = directory.file("target")
    symlink(target, path)
    #expect(try #require(reason()).contains("symbolic link"))
    #expect(access(target, F_OK) != 0)
    unlink(path)
    mkfifo(path, 0o600)
    #expect(reason() != nil)
    unlink(path)
    mkdir(path, 0o700)
    #expect(reason() != nil)
  }

  @Test(.enabled(if: geteuid() == 0, "needs to give a file away"))
  func `the database of another user is refused`() throws {
    try begin()
    chown(path, 65_534, 65_534)
    #expect(try #require(reason()).contains("belongs to user 65534"))
  }

  @Test func `a network that has begun does not begin again without its database`() throws {
    try begin()
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    for _ in 0..<2 {
      let problem = try #require(reason())
      #expect(problem.contains("restore your copy") && problem.contains(mark), "\(problem)")
      #expect(access(path, F_OK) != 0, "nothing is made")
    }
    // As the message says.
    unlink(mark)
    #expect(try members() == 0)
    #expect(access(mark, F_OK) == 0)
  }

  @Test func `a mark under its old name counts until there is one under the new name`() throws {
    try begin()
    let old = path + ".begun"
    try #require(rename(mark, old) == 0)
    try #require(rename(path, path + ".away") == 0)
    for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    #expect(try #require(reason()).contains(old))
    try #require(rename(path + ".away", path) == 0)
    #expect(try members() == 1)
    #expect(access(mark, F_OK) == 0 && access(old, F_OK) != 0)
  }

  @Test(arguments: [false, true])
  func `nothing is recorded while the directory is away or another one`(isReplaced: Bool) throws {
    let (state, away) = (directory.file("state"), directory.file("away"))
    mkdir(state, 0o700)
    let store = try NetworkStore(path: state + "/network.sqlite", of: Self.index)
    try store.commit([Self.member], [])
    try #require(rename(state, away) == 0)
    if isReplaced {
      mkdir(state, 0o700)
      try directory.write("state/network.sqlite", try #require(TemporaryDirectory.read(away + "/network.sqlite")))
    }
    let failure = #expect(throws: NetworkStoreError.self) { try store.commit([.noMember(peer(1))], []) }
    #expect(failure?.reason.contains("was removed or replaced") == true)
    #expect(try store.load().members.count == 1)
    unlink(state + "/network.sqlite")
    rmdir(state)
    try #require(rename(away, state) == 0)
    try store.commit([.noMember(peer(1))], [])
    #expect(try store.load().members.isEmpty)
  }

  @Test func `nothing is recorded while the journal is away`() throws {
    let store = try NetworkStore(path: path, of: Self.index)
    try store.commit([Self.member], [])
    try #require(rename(path + "-wal", path + ".away") == 0)
    let failure = #expect(throws: NetworkStoreError.self) { try store.commit([.noMember(peer(1))], []) }
    #expect(failure?.path == path + "-wal")
    try #require(rename(path + ".away", path + "-wal") == 0)
    try store.commit([.noMember(peer(1))], [])
    #expect(try store.load().members.isEmpty)
  }

  @Test func `marks under both names are one`() throws {
    try begin()
    try #require(link(mark, path + ".begun") == 0)
    try #require(rename(path, path + ".away") == 0)
    for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    #expect(try #require(reason()).contains("\(path) and \(mark) and \(path).begun"))
    try #require(rename(path + ".away", path) == 0)
    #expect(try members() == 1)
    #expect(access(path + ".begun", F_OK) != 0)
  }

  @Test func `an emptied database is refused, and what belongs to it stays`() throws {
    try begin()
    _ = try directory.write("network.sqlite", [])
    _ = try directory.write("network.sqlite-wal", [1, 2, 3])
    #expect(try #require(reason()).contains("missing or empty"))
    #expect(TemporaryDirectory.read(path + "-wal") == [1, 2, 3])
  }

  @Test func `a database without tables is refused`() throws {
    try begin()
    unlink(path)
    var handle: OpaquePointer?
    try #require(sqlite3_open(path, &handle) == SQLITE_OK)
    sqlite3_exec(handle, "CREATE TABLE x (y)", nil, nil, nil)
    sqlite3_close(handle)
    chmod(path, 0o600)
    #expect(try #require(reason()).contains("missing or empty"))
  }

  @Test func `the database of another index is refused`() throws {
    try begin()
    let problem = try #require(reason(of: peer(98)))
    #expect(problem.contains(peer(98).hex) && problem.contains(peer(99).hex) && problem.contains("restore"))
    #expect(try members() == 1)
  }

  @Test func `a restored copy is taken, also beside the mark of now`() throws {
    try begin()
    let copy = try #require(TemporaryDirectory.read(path))
    do { try NetworkStore(path: path, of: Self.index).commit([.noMember(peer(1))], []) }
    #expect(try members() == 0)
    _ = try directory.write("network.sqlite", copy)
    #expect(try members() == 1)
    unlink(mark)
    #expect(try members() == 1, "a copy without the mark")
    #expect(access(mark, F_OK) == 0)
  }

  @Test func `the first start may be interrupted`() throws {
    _ = try directory.write("network.sqlite", [])
    chmod(path, 0o600)
    #expect(try members() == 0)
  }
}
