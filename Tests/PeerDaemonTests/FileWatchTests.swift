// SPDX-License-Identifier: Apache-2.0

import Glibc
import PeerDaemon
import TestSupport
import Testing

@Suite struct FileWatchTests {
  private let directory: TemporaryDirectory
  private let watch = FileWatch()

  init() throws {
    directory = try TemporaryDirectory()
    for name in ["d", "e"] { #expect(mkdir(directory.file(name), 0o700) == 0) }
  }

  /// inotify(7) queues an event before the system call that causes it returns.
  private func paths(_ change: () throws -> Void) rethrows -> Set<String> {
    try change()
    return watch.take().paths
  }

  @Test func `changes of a file are reported by its path`() throws {
    let path = try directory.write("d/x", [1])
    watch.add(directoriesOf: [path])
    #expect(watch.isComplete)
    #expect(watch.take() == FileWatch.Changes())
    #expect(try paths { try directory.write("d/x", [2]) } == [path])
    #expect(paths { chmod(path, 0o600) } == [path])
    #expect(paths { utimes(path, nil) } == [path])
    #expect(paths { rename(path, directory.file("d/y")) } == [path, directory.file("d/y")])
    #expect(paths { unlink(directory.file("d/y")) } == [directory.file("d/y")])
    #expect(try paths { try directory.write("e/x", [1]) }.isEmpty, "not watched")
  }

  @Test func `directories that hold no share any more are left`() throws {
    let kept = try directory.write("d/x", [1])
    let left = try directory.write("e/x", [1])
    watch.add(directoriesOf: [kept, left])
    watch.keep(FileWatch.directories(of: [kept]))
    _ = watch.take()
    #expect(try paths { try directory.write("e/x", [2]) }.isEmpty)
    #expect(try paths { try directory.write("d/x", [2]) } == [kept])
  }

  @Test func `moved directory asks for a look at everything`() throws {
    let path = try directory.write("d/x", [1])
    watch.add(directoriesOf: [path])
    #expect(rename(directory.file("d"), directory.file("f")) == 0)
    #expect(watch.take().isIncomplete)
    #expect(try paths { try directory.write("f/x", [2]) }.isEmpty, "its path is not known")
  }

  @Test func `missing directory does not make the watch partial`() {
    watch.add(directoriesOf: [directory.file("none/x")])
    #expect(watch.isComplete)
  }

  @Test func `file that keeps changing is hashed a twentieth of the time`() {
    var pace = HashPace()
    let start = ContinuousClock.now
    #expect(pace.pause(for: "/x", at: start) == nil)
    pace.hashed("/x", in: .seconds(2), at: start)
    #expect(pace.pause(for: "/x", at: start + .seconds(10)) == .seconds(30))
    #expect(pace.pause(for: "/x", at: start + .seconds(40)) == nil)
    #expect(pace.pause(for: "/y", at: start) == nil)
  }
}
