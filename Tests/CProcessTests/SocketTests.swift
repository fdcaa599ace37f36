// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import TestSupport
import Testing

/// Properties of the returned descriptors.
@Suite struct SocketTests {
  private func isClosedByExec(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0 }

  private func blocks(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0 }

  @Test func `pipe has a non-blocking reader and is not inherited`() {
    var (reader, writer): (CInt, CInt) = (-1, -1)
    #expect(pipe_open(&reader, &writer) == 0)
    defer {
      close(reader)
      close(writer)
    }
    #expect(isClosedByExec(reader) && isClosedByExec(writer))
    #expect(!blocks(reader) && blocks(writer))
    var byte: UInt8 = 7
    #expect(read(reader, &byte, 1) == -1 && errno == EAGAIN)
    #expect(write(writer, &byte, 1) == 1)
    byte = 0
    #expect(read(reader, &byte, 1) == 1 && byte == 7)
  }

  @Test func `socket pair works in both directions`() {
    var (first, second): (CInt, CInt) = (-1, -1)
    #expect(socket_pair(&first, &second) == 0)
    defer {
      close(first)
      close(second)
    }
    #expect(isClosedByExec(first) && isClosedByExec(second))
    #expect(blocks(first) && blocks(second))
    for (from, to) in [(first, second), (second, first)] {
      var byte: UInt8 = 9
      #expect(send(from, &byte, 1, CInt(MSG_NOSIGNAL)) == 1)
      byte = 0
      #expect(recv(to, &byte, 1, 0) == 1 && byte == 9)
    }
  }

  @Test func `peer credentials are read`() {
    var (first, second): (CInt, CInt) = (-1, -1)
    #expect(socket_pair(&first, &second) == 0)
    defer {
      close(first)
      close(second)
    }
    var credentials = peer_credentials()
    #expect(socket_peer_credentials(first, &credentials) == 0)
    #expect(credentials.user == geteuid() && credentials.group == getegid() && credentials.pid == getpid())
    #expect(socket_peer_credentials(-1, &credentials) == EBADF)
  }

  @Test func `accepted connection is non-blocking and not inherited`() throws {
    let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    defer {
      close(listener)
      close(client)
    }
    _ = fcntl(listener, F_SETFL, O_NONBLOCK)
    #expect(listen(listener, 1) == 0)
    #expect(socket_accept(listener) == -EAGAIN)
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(listener, $0, &length) == 0 && connect(client, $0, length) == 0
      }
    }
    try #require(isConnected)
    var readable = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    #expect(poll(&readable, 1, 20_000) == 1)
    let accepted = socket_accept(listener)
    defer { close(accepted) }
    #expect(accepted >= 0 && isClosedByExec(accepted) && !blocks(accepted))
    #expect(socket_accept(-1) == -EBADF)
  }
}

@Suite struct ProcessHandleTests {
  @Test func `process is signalled through its pidfd`() {
    let descriptor = process_open_pidfd(getpid())
    defer { close(descriptor) }
    #expect(descriptor >= 0)
    #expect(process_signal_pidfd(descriptor, 0) == 0, "signal 0 only asks")
    #expect(process_signal_pidfd(-1, 0) == EBADF)
    // No process has a pid above pid_max: proc(5).
    #expect(process_open_pidfd(.max) == -ESRCH)
  }

  @Test func `process that is not a child cannot be reaped`() {
    var exit = process_exit()
    #expect(process_reap(getpid(), &exit) == ECHILD)
    #expect(!exit.ended)
  }

  /// Runs in its own process, because it changes the signal mask.
  @Test func `signals are read from a descriptor`() async {
    await #expect(processExitsWith: .success) {
      let signals = [SIGUSR1, SIGTERM]
      let descriptor = signals_open(signals, signals.count)
      #expect(descriptor >= 0)
      #expect(signals_next(descriptor) == 0)
      // To this thread, because others do not block the signal.
      #expect(pthread_kill(pthread_self(), SIGTERM) == 0)
      var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      #expect(poll(&readable, 1, 20_000) == 1)
      #expect(signals_next(descriptor) == SIGTERM)
      #expect(signals_next(descriptor) == 0)
    }
  }
}

@Suite struct FileCallTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  @Test func `exclusive rename does not replace a file`() throws {
    let (old, new) = (try directory.write("old", [1]), try directory.write("new", [2]))
    #expect(file_rename_exclusively(AT_FDCWD, old, AT_FDCWD, new) == EEXIST)
    #expect(TemporaryDirectory.read(new) == [2])
    #expect(file_rename_exclusively(AT_FDCWD, old, AT_FDCWD, directory.file("free")) == 0)
    #expect(TemporaryDirectory.read(directory.file("free")) == [1])
    #expect(file_rename_exclusively(AT_FDCWD, old, AT_FDCWD, directory.file("other")) == ENOENT)
  }

  @Test func `allocation grows the file`() throws {
    let descriptor = open(try directory.write("file", [1, 2, 3]), O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    let outcome = file_allocate(descriptor, 100_000)
    // Not every file system supports it.
    guard outcome != EOPNOTSUPP else { return }
    #expect(outcome == 0)
    var status = stat()
    #expect(fstat(descriptor, &status) == 0 && status.st_size == 100_000)
    #expect(TemporaryDirectory.read(directory.file("file"))?.prefix(4) == [1, 2, 3, 0])
    #expect(file_allocate(descriptor, 0) == EINVAL)
    #expect(file_allocate(-1, 1) == EBADF)
  }
}
