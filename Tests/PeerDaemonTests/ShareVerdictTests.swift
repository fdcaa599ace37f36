// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import PeerDaemon
import TestSupport
import Testing

@Suite struct ShareVerdictTests {
  private let content: Content
  private let other: Content

  init() throws {
    content = try Self.content("ab")
    other = try Self.content("cd")
  }

  private static func content(_ byte: String) throws -> Content {
    let root = try #require(Digest(hex: String(repeating: byte, count: 32)))
    return try #require(Content(root: root, size: 100))
  }

  private func mark(size: Int64 = 100, changed: Int64 = 1) -> FileFingerprint {
    FileFingerprint(device: 1, inode: 1, size: size, modified: 5_000_000_000, changed: changed)
  }

  private func share(_ origin: Share.Origin, _ state: Share.State) throws -> Share {
    Share(
      document: Document(
        key: try DocumentKey("file/x"), title: try Title("old"), content: content, modified: Timestamp(seconds: 1)),
      path: "/x", origin: origin, state: state, fingerprint: mark())
  }

  @Test(arguments: [Share.Origin.added, .downloaded])
  func `share follows the presence of its file`(origin: Share.Origin) throws {
    #expect(ShareVerdict(try share(origin, .shared), found: .file(mark())) == .keep)
    #expect(ShareVerdict(try share(origin, .withdrawn), found: .file(mark())) == .restore)
    #expect(ShareVerdict(try share(origin, .shared), found: .missing) == .withdraw)
    #expect(ShareVerdict(try share(origin, .withdrawn), found: .missing) == .keep)
  }

  @Test func `changed file that was added is examined`() throws {
    for found in [mark(changed: 2), mark(size: 7)] {
      #expect(ShareVerdict(try share(.added, .shared), found: .file(found)) == .examine)
      #expect(ShareVerdict(try share(.added, .withdrawn), found: .file(found)) == .examine)
    }
  }

  @Test func `changed download is examined only at equal size`() throws {
    #expect(ShareVerdict(try share(.downloaded, .shared), found: .file(mark(changed: 2))) == .examine)
    #expect(ShareVerdict(try share(.downloaded, .shared), found: .file(mark(size: 7))) == .withdraw)
    #expect(ShareVerdict(try share(.downloaded, .withdrawn), found: .file(mark(size: 7))) == .keep)
  }

  @Test func `touched file is renewed`() throws {
    for origin in [Share.Origin.added, .downloaded] {
      let old = try share(origin, .withdrawn)
      let new = try #require(
        ShareVerdict.renewed(old, content: content, fingerprint: mark(changed: 2), access: FileAccess(), title: nil))
      #expect(new.document == old.document)
      #expect(new.state == .shared)
      #expect(new.origin == origin)
      #expect(new.fingerprint == mark(changed: 2))
    }
  }

  @Test func `only changes of added files are published`() throws {
    let changed = mark(changed: 2)
    #expect(
      ShareVerdict.renewed(
        try share(.downloaded, .withdrawn), content: other, fingerprint: changed, access: FileAccess(), title: nil)
        == nil)
    let new = try #require(
      ShareVerdict.renewed(
        try share(.added, .withdrawn), content: other, fingerprint: changed, access: FileAccess(),
        title: try Title("new")))
    #expect(new.content == other)
    #expect(new.title.text == "new")
    #expect(new.modified == Timestamp(seconds: 5))
    #expect(new.path == "/x")
  }

  private func other(_ access: FileAccess, size: Int64 = 7) -> FileObservation {
    .file(FileFingerprint(device: 1, inode: 2, size: size, modified: 1, changed: 9), access)
  }

  /// The user cannot be taken to have put it there: somebody else who can write in the directory may have.
  @Test(arguments: [
    FileAccess(permissions: 0o600), FileAccess(permissions: 0o644, links: 2),
    FileAccess(permissions: 0o644, isExposed: true),
  ])
  func `private file or hard link in the place of a share is not published`(access: FileAccess) throws {
    #expect(ShareVerdict(try share(.added, .shared), found: other(access)) == .withdraw)
    #expect(ShareVerdict(try share(.added, .withdrawn), found: other(access)) == .keep)
    // The same content may be served again, whoever can read it.
    #expect(ShareVerdict(try share(.added, .shared), found: other(access, size: 100)) == .examine)
    let new = FileFingerprint(device: 1, inode: 2, size: 100, modified: 1, changed: 9)
    let old = try share(.added, .shared)
    #expect(
      ShareVerdict.renewed(old, content: self.other, fingerprint: new, access: access, title: nil) == nil)
    #expect(ShareVerdict.renewed(old, content: content, fingerprint: new, access: access, title: nil) != nil)
  }

  @Test func `replaced file that as many may read is examined`() throws {
    #expect(ShareVerdict(try share(.added, .shared), found: other(FileAccess(permissions: 0o644))) == .examine)
  }

  /// Who can rename a directory on the way can put a private one in its place, whose files look like the shared ones.
  @Test func `a path on which others can rename is exposed`() throws {
    let directory = try TemporaryDirectory()
    #expect(mkdir(directory.file("outer"), 0o700) == 0 && mkdir(directory.file("outer/inner"), 0o700) == 0)
    let path = try directory.write("outer/inner/file", [1])
    func isExposed(_ outer: mode_t, _ inner: mode_t) -> Bool? {
      chmod(directory.file("outer"), outer)
      chmod(directory.file("outer/inner"), inner)
      guard case .file(_, let access) = FileObservation(at: path) else { return nil }
      return access.isExposed
    }
    #expect(isExposed(0o700, 0o755) == false)
    #expect(isExposed(0o1777, 0o700) == false, "only owners rename in a sticky directory")
    #expect(isExposed(0o777, 0o700) == true)
    #expect(isExposed(0o700, 0o777) == true)
  }

  @Test func `what cannot be looked at changes nothing`() throws {
    for state in [Share.State.shared, .withdrawn] {
      #expect(ShareVerdict(try share(.added, state), found: .unknown) == .keep)
    }
  }
}
