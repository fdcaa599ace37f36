// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import Testing

@Suite struct PartialFileTests {
  private let workspace: Workspace
  private let catalogue: Catalogue
  private let bytes = pattern(50_000)

  init() throws {
    workspace = try Workspace()
    catalogue = try workspace.catalogue()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  private var directory: String { workspace.path + "/downloads" }

  @Test func `name of an unfinished file is hidden and recorded`() throws {
    let partial = try begin("paper.pdf", mayBeUnnamed: false)
    let path = try #require(partial.temporaryPaths.first)
    #expect(try catalogue.leftovers() == [path])
    let name = try #require(try workspace.names(in: "downloads").first)
    #expect(name.hasPrefix(".paper.pdf.") && name.hasSuffix(".p2p-part"))
    let hidden = try FileManager.default.attributesOfItem(atPath: path)
    #expect(hidden[.posixPermissions] as? Int == 0o600)
  }

  @Test func `unnamed file needs no record`() throws {
    let partial = try begin("paper.pdf")
    guard partial.temporaryPaths.isEmpty else { return }
    #expect(try workspace.names(in: "downloads").isEmpty)
    #expect(try catalogue.leftovers().isEmpty)
    #expect(partial.file.descriptor >= 0)
  }

  @Test(arguments: [true, false])
  func `name appears with the complete file`(_ mayBeUnnamed: Bool) throws {
    let partial = try begin("paper.pdf", mayBeUnnamed: mayBeUnnamed)
    #expect(try !workspace.names(in: "downloads").contains("paper.pdf"))
    try write(bytes[20_000...], at: 20_000, to: partial)
    try write(bytes[..<20_000], at: 0, to: partial)
    let fingerprint = try partial.commit()
    #expect(try workspace.names(in: "downloads") == ["paper.pdf"])
    #expect(try Data(contentsOf: URL(filePath: directory + "/paper.pdf")) == Data(bytes))
    let mode = try FileManager.default.attributesOfItem(atPath: directory + "/paper.pdf")[.posixPermissions] as? Int
    let mask = umask(0o022)
    umask(mask)
    #expect(mode == 0o666 & ~Int(mask))

    let hashed = try FileHasher(layers: catalogue.layers).hash(directory + "/paper.pdf")
    #expect(hashed.fingerprint == fingerprint)
    try catalogue.add([share(hashed, as: "file/paper.pdf")], hashed: [hashed], forgetting: partial.temporaryPaths)
    #expect(try catalogue.leftovers().isEmpty)
    partial.abort()
    #expect(try workspace.names(in: "downloads") == ["paper.pdf"], "nothing is taken back")
  }

  @Test(arguments: [true, false])
  func `dropped or aborted file leaves nothing behind`(_ mayBeUnnamed: Bool) throws {
    try begin("a", mayBeUnnamed: mayBeUnnamed).abort()
    _ = try begin("b", mayBeUnnamed: mayBeUnnamed)
    #expect(try workspace.names(in: "downloads").isEmpty)
    #expect(try catalogue.leftovers().isEmpty)
  }

  @Test(arguments: [true, false])
  func `existing file is replaced on request only`(_ mayBeUnnamed: Bool) throws {
    let path = try workspace.file("downloads/a", [1, 2, 3])
    let partial = try begin("a", mayBeUnnamed: mayBeUnnamed)
    try write(bytes[...], at: 0, to: partial)
    #expect(code { try partial.commit() } == .exists)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3]))
    _ = try partial.commit(replacing: true)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data(bytes))
    #expect(try workspace.names(in: "downloads") == ["a"])
    // A hidden name is forgotten by whoever shares the file, or by the next start.
    #expect(try catalogue.leftovers() == partial.temporaryPaths)
  }

  @Test func `link is replaced, not followed, and a directory stays`() throws {
    let outside = try workspace.file("outside", [7])
    try FileManager.default.createSymbolicLink(atPath: directory + "/link", withDestinationPath: outside)
    try FileManager.default.createDirectory(atPath: directory + "/inner", withIntermediateDirectories: true)
    let link = try begin("link")
    #expect(code { try link.commit() } == .exists)
    _ = try link.commit(replacing: true)
    #expect(try Data(contentsOf: URL(filePath: outside)) == Data([7]))
    let inner = try PartialFile(
      target: DownloadTarget(directory: directory, name: "inner"), size: 1, catalogue: catalogue)
    #expect(code { try inner.commit() } == .exists)
    #expect(code { try inner.commit(replacing: true) } == .exists)
  }

  @Test func `device or FIFO is not replaced`() throws {
    #expect(mkfifo(directory + "/fifo", 0o600) == 0)
    let target = try DownloadTarget(directory: directory, name: "fifo")
    #expect(code { try target.checkReplaceable() } == .exists)
    let partial = try PartialFile(target: target, size: 1, catalogue: catalogue)
    #expect(code { try partial.commit(replacing: true) } == .exists)
    var status = stat()
    #expect(stat(directory + "/fifo", &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
  }

  @Test func `target follows its renamed directory`() throws {
    let target = try DownloadTarget(directory: directory, name: "a")
    #expect(target.currentPath == directory + "/a")
    try FileManager.default.moveItem(atPath: directory, toPath: workspace.path + "/moved")
    #expect(target.currentPath == workspace.path + "/moved/a")
    try FileManager.default.createSymbolicLink(atPath: directory, withDestinationPath: workspace.path + "/moved")
    #expect(target.currentPath == target.path, "a path that leads there is the one its user knows")
  }

  @Test func `directory may be renamed during the download`() throws {
    let partial = try begin("a")
    try FileManager.default.moveItem(atPath: directory, toPath: workspace.path + "/moved")
    try write(bytes[...], at: 0, to: partial)
    _ = try partial.commit()
    #expect(try workspace.names(in: "moved") == ["a"])
  }

  @Test func `write beyond the size is refused`() throws {
    let partial = try begin("a")
    for offset in [-1, 49_999, 50_000, Int64.max, Int64.min] {
      #expect(code { try write([1, 2], at: offset, to: partial) } == .invalidRange)
    }
    #expect(code { try write(bytes + [1], at: 0, to: partial) } == .invalidRange)
  }

  @Test func `empty file is created`() throws {
    let partial = try PartialFile(
      target: DownloadTarget(directory: directory, name: "empty"), size: 0, catalogue: catalogue)
    #expect(try partial.commit().size == 0)
  }

  // MARK: Refusals

  @Test func `file larger than the free space is refused`() throws {
    let target = try DownloadTarget(directory: directory, name: "huge")
    let error = try #require(throws: StoreError.self) {
      try PartialFile(target: target, size: Content.maximumSize, catalogue: catalogue)
    }
    #expect(error.code == .noSpace)
    #expect(error.reason.contains("are needed"))
    #expect(try catalogue.leftovers().isEmpty)
    #expect(try workspace.names(in: "downloads").isEmpty)
  }

  @Test func `file size limit is an error, not a signal`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGXFSZ, SIG_IGN)
      let workspace = try Workspace()
      let catalogue = try workspace.catalogue()
      let target = try DownloadTarget(directory: workspace.path, name: "large")
      var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do {
        let partial = try PartialFile(target: target, size: 1 << 21, catalogue: catalogue)
        #expect(code { try [1].withUnsafeBytes { try partial.write($0, at: 0) } } == .cannotCreate)
      }
      let names = try workspace.names()
      #expect(names == ["state"])
    }
  }

  @Test func `unusable directory is reported`() throws {
    #expect(code { try DownloadTarget(directory: workspace.path + "/none", name: "a") } == .cannotCreate)
    let file = try workspace.file("file", [1])
    #expect(code { try DownloadTarget(directory: file, name: "a") } == .notADirectory)
    #expect(code { try DownloadTarget(path: file + "/", suggestedName: "a") } == .notADirectory)
    #expect(code { try DownloadTarget(path: "relative", suggestedName: "a") } == .cannotCreate)
    // Not even root creates files there.
    let target = try DownloadTarget(directory: "/proc", name: "a")
    #expect(code { try PartialFile(target: target, size: 0, catalogue: catalogue) } == .cannotCreate)
    #expect(try catalogue.leftovers().isEmpty)
  }

  @Test(.enabled(if: geteuid() != 0, "root writes everywhere")) func `read-only directory is reported`() throws {
    #expect(chmod(directory, 0o500) == 0)
    #expect(code { try begin("a") } == .cannotCreate)
    #expect(chmod(directory, 0o700) == 0)
  }

  @Test func `file name has at most 255 bytes`() throws {
    for name in [String(repeating: "x", count: 255), String(repeating: "é", count: 127)] {
      let partial = try begin(name)
      try write(bytes[...], at: 0, to: partial)
      _ = try partial.commit()
      #expect(FileManager.default.fileExists(atPath: "\(directory)/\(name)"))
    }
    #expect(code { try DownloadTarget(directory: directory, name: String(repeating: "x", count: 256)) } == .nameTooLong)
    for name in ["", ".", "..", "a/b", "a\0b"] {
      #expect(code { try DownloadTarget(directory: directory, name: name) } == .cannotCreate)
    }
  }

  // MARK: Targets

  @Test func `suggested name is used in a directory only`() throws {
    let inside = try DownloadTarget(path: directory, suggestedName: "rfc793.txt")
    #expect(inside.path == directory + "/rfc793.txt")
    let slash = try DownloadTarget(path: directory + "/", suggestedName: "rfc793.txt")
    #expect(slash.path == directory + "/rfc793.txt")
    let marked = try DownloadTarget(path: directory + "/\u{301}x", suggestedName: "rfc793.txt")
    #expect(marked.path == directory + "/\u{301}x")
    let named = try DownloadTarget(path: directory + "/mine", suggestedName: "rfc793.txt")
    #expect(named.path == directory + "/mine")
    #expect(try DownloadTarget(path: "/", suggestedName: "a").path == "/a")
    #expect(try DownloadTarget(path: "/no-such-file", suggestedName: "a").path == "/no-such-file")
  }

  @Test func `existing file is compared by content`() throws {
    let hasher = FileHasher(layers: catalogue.layers)
    let file = try hasher.hash(workspace.file("downloads/same", bytes))
    let target = try DownloadTarget(directory: directory, name: "same")
    guard case .same(let found) = try target.occupant(comparedTo: file.content, hasher: hasher) else {
      Issue.record("the same content")
      return
    }
    #expect(found.fingerprint == file.fingerprint)
    var other = bytes
    other[7] ^= 1
    try Data(other).write(to: URL(filePath: directory + "/other"))
    try Data(bytes.dropLast()).write(to: URL(filePath: directory + "/shorter"))
    try FileManager.default.createSymbolicLink(atPath: directory + "/dangling", withDestinationPath: "/no/such")
    try FileManager.default.createDirectory(atPath: directory + "/inner", withIntermediateDirectories: true)
    for name in ["other", "shorter", "dangling", "inner"] {
      let occupant = try DownloadTarget(directory: directory, name: name)
        .occupant(comparedTo: file.content, hasher: hasher)
      guard case .different = occupant else {
        Issue.record("\(name) is different")
        continue
      }
    }
    guard
      case .nothing = try DownloadTarget(directory: directory, name: "none")
        .occupant(comparedTo: file.content, hasher: hasher)
    else {
      Issue.record("nothing is there")
      return
    }
    #expect(
      code { try target.occupant(comparedTo: file.content, hasher: hasher, isCancelled: { true }) } == .cancelled)
  }

  // MARK: Leftovers

  @Test func `only recorded files are removed at start`() throws {
    let recorded = try workspace.file("downloads/.a.1.p2p-part", [1])
    let alike = try workspace.file("downloads/.a.2.p2p-part", [2])
    let kept = try workspace.file("kept", [3])
    let link = directory + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: kept)
    for path in [recorded, directory, link, directory + "/gone", kept + "/below"] {
      try catalogue.recordTemporary(path)
    }
    #expect(try catalogue.removeLeftovers() == [recorded])
    #expect(try catalogue.leftovers().isEmpty)
    #expect(FileManager.default.fileExists(atPath: alike))
    #expect(FileManager.default.fileExists(atPath: kept))
    #expect(try workspace.names(in: "downloads") == [".a.2.p2p-part", "link"])
  }

  // MARK: Serving

  @Test func `only the hashed file is served`() throws {
    let path = try workspace.file("a", bytes)
    let one = share(try FileHasher(layers: catalogue.layers).hash(path), as: "file/a")
    let open = try SharedFile(one)
    try open.checkUnchanged()
    var part = [UInt8](repeating: 0, count: 100)
    #expect(try part.withUnsafeMutableBytes { try open.file.read(into: $0, at: 49_950) } == 50)
    #expect(part.prefix(50).elementsEqual(bytes[49_950...]))

    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: [9])
    try handle.close()
    // A write may fall into the tick of the one before; the rights' change makes sure that the time moves on.
    var times = [timeval(tv_sec: 5, tv_usec: 0), timeval(tv_sec: 5, tv_usec: 0)]
    #expect(utimes(path, &times) == 0)
    #expect(code { try open.checkUnchanged() } == .changed)
    #expect(code { try SharedFile(one) } == .changed)
    try FileManager.default.removeItem(atPath: path)
    #expect(code { try SharedFile(one) } == .vanished)
    let copy = try open.file.duplicate()
    #expect(copy >= 3)
    close(copy)
  }

  private func begin(_ name: String, mayBeUnnamed: Bool = true) throws -> PartialFile {
    try PartialFile(
      target: DownloadTarget(directory: directory, name: name), size: Int64(bytes.count), catalogue: catalogue,
      mayBeUnnamed: mayBeUnnamed)
  }

  private func write(_ bytes: some Collection<UInt8>, at offset: Int64, to partial: PartialFile) throws {
    try Array(bytes).withUnsafeBytes { try partial.write($0, at: offset) }
  }

  @Test func `finished file is kept beside one that appeared`() throws {
    let target = try DownloadTarget(directory: directory, name: "taken")
    let partial = try PartialFile(target: target, size: 1, catalogue: catalogue)
    try [7].withUnsafeBytes { try partial.write(UnsafeRawBufferPointer(rebasing: $0[..<1]), at: 0) }
    for name in ["taken", "taken.1"] { try Data([1]).write(to: URL(filePath: "\(directory)/\(name)")) }
    #expect(code { try partial.commit() } == .exists)
    #expect(try partial.commitBeside() == directory + "/taken.2")
    #expect(try Data(contentsOf: URL(filePath: directory + "/taken.2")) == Data([7]))
    #expect(try Data(contentsOf: URL(filePath: directory + "/taken")) == Data([1]))
  }

  /// A file in it would be the configuration of the next start.
  @Test func `private directory that does not exist yet is not made`() throws {
    let places = PrivatePlaces([directory + "/config"]).current()
    for path in ["config/", "config/deeper/", "./config/", "config"] {
      let error = #expect(throws: StoreError.self) {
        try DownloadTarget(path: "\(directory)/\(path)", suggestedName: "p2p.toml", places: places)
      }
      #expect(error?.code == .cannotCreate && error?.reason.contains("choose another place") == true, "\(path)")
    }
    #expect(!FileManager.default.fileExists(atPath: directory + "/config"))
    #expect(throws: Never.self) {
      try DownloadTarget(path: "\(directory)/configuration/", suggestedName: "x", places: places)
    }
  }
}
