// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import TestSupport
import Testing

@Suite struct FileTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// The fallback for kernels without openat2(2) must decide as the system call does.
  @Test func `both ways of opening refuse links in every segment`() throws {
    #expect(mkdir(directory.file("d"), 0o700) == 0)
    let path = try directory.write("d/x", [1])
    #expect(symlink("x", directory.file("d/link")) == 0)
    #expect(symlink("d", directory.file("parent")) == 0)
    for open in [file_open_without_links, file_open_by_segments] {
      for allowed in [path, directory.file("d//./x"), "/", directory.path + "/"] {
        let descriptor = open(allowed, O_RDONLY)
        #expect(descriptor >= 0, "\(allowed)")
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
        close(descriptor)
      }
      #expect([-ELOOP, -ENOTDIR].contains(open(directory.file("d/link"), O_RDONLY)))
      #expect([-ELOOP, -ENOTDIR].contains(open(directory.file("parent/x"), O_RDONLY)))
      #expect(open(directory.file("none"), O_RDONLY) == -ENOENT)
      #expect(open(path + "/below", O_RDONLY) == -ENOTDIR)
      #expect(open(directory.file(String(repeating: "n", count: 256)), O_RDONLY) == -ENAMETOOLONG)
      #expect(open("relative", O_RDONLY) == -EINVAL)
    }
  }

  @Test func `what was read into the page cache is not read again`() throws {
    let length: Int64 = 1_000_000
    let file = open(try directory.write("x", [UInt8](repeating: 1, count: Int(length))), O_RDWR | O_CLOEXEC)
    defer { close(file) }
    #expect(fsync(file) == 0)
    #expect(posix_fadvise(file, 0, off_t(length), POSIX_FADV_DONTNEED) == 0)
    let first = file_load(file, 0, length)
    #expect((0...length).contains(first))
    // A file system that cannot tell what is there is read each time.
    #expect([0, length].contains(file_load(file, 0, length)))
    #expect([0, 5].contains(file_load(file, 4_090, 5)))
    #expect(file_load(file, length, 1) == 0, "at the end")
    #expect(file_load(file, length - 1, 100) <= 1, "beyond the end")
    #expect(file_load(file, 0, 0) == 0)
    #expect(file_load(-1, 0, 1) == Int64(-EBADF))
  }

  @Test func `interfaces of the system are known`() throws {
    let file = open(try directory.write("x", [1]), O_RDONLY | O_CLOEXEC)
    let status = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    defer { for descriptor in [file, status] { close(descriptor) } }
    #expect(!file_is_on_system_interface(file))
    #expect(file_is_on_system_interface(status))
    #expect(!file_is_on_system_interface(-1))
  }

  @Test func `mount points are told from directories`() throws {
    let root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    let own = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { for descriptor in [root, own] { close(descriptor) } }
    #expect(mkdir(directory.file("plain"), 0o700) == 0)
    #expect(file_is_mount_point(root, "proc"))
    #expect(!file_is_mount_point(own, "plain") && !file_is_mount_point(own, "none"))
  }
}
