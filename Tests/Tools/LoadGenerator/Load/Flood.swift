// SPDX-License-Identifier: Apache-2.0

import Dispatch
import DocumentModel
import Glibc
import Synchronization
import TestSupport

/// Connections to the index that send the same lines again and again and read whatever comes, on a thread of low priority.
final class Flood: Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)

  init(_ index: Endpoint, connections: Int, lines: [UInt8]) throws {
    let descriptors = try (0..<connections).map { number in
      let descriptor = try IPv4Socket.connect(index.host, port: index.port)
      let hello = Array((HostileLines.hello(100 + number, port: 100 + number) + "\n").utf8)
      _ = send(descriptor, hello, hello.count, 0)
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      return descriptor
    }
    DispatchQueue(label: "flood").async { [self] in
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      Self.run(descriptors, lines) { isStopped.load(ordering: .relaxed) }
      for descriptor in descriptors { close(descriptor) }
      hasEnded.store(true, ordering: .releasing)
    }
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
    while !hasEnded.load(ordering: .acquiring) { usleep(1_000) }
  }

  private static func run(_ descriptors: [CInt], _ lines: [UInt8], until isOver: () -> Bool) {
    var sent = [Int](repeating: 0, count: descriptors.count)
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN | POLLOUT), revents: 0) }
    while !isOver() {
      poll(&polled, nfds_t(polled.count), 50)
      for (number, descriptor) in descriptors.enumerated() {
        while recv(descriptor, &buffer, buffer.count, 0) == buffer.count {}
        let count = lines.withUnsafeBytes { bytes in
          send(
            descriptor, bytes.baseAddress.map { $0 + sent[number] }, bytes.count - sent[number],
            CInt(MSG_NOSIGNAL))
        }
        if count > 0 { sent[number] = (sent[number] + count) % lines.count }
      }
    }
  }
}

/// Keeps sessions with records alive.
final class KeptAlive: Sendable {
  private let isStopped = Atomic<Bool>(false)

  init(_ connections: [RawConnection]) {
    nonisolated(unsafe) let connections = connections
    DispatchQueue(label: "pulse").async { [self] in
      while !isStopped.load(ordering: .relaxed) {
        for connection in connections { _ = try? connection.ask(#"{"id":9,"op":"ping"}"#) }
        usleep(500_000)
      }
    }
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
  }
}

/// Lines for the index.
enum HostileLines {
  static func hello(_ number: Int, port: Int?) -> String {
    let port = port.map { #","port":\#($0)"# } ?? ""
    return #"{"id":1,"op":"hello","protocol":1,"peer":"\#(hex(number))","name":"p\#(number)"\#(port)}"#
  }

  static func document(_ key: String, _ content: Int, _ title: String) -> String {
    #"{"key":"\#(key)","title":"\#(title)","content":"\#(hex(content + 1))","size":10,"modified":"1981-09-01T00:00:00Z"}"#
  }

  static func add(_ documents: [String]) -> String {
    #"{"id":2,"op":"add","documents":[\#(documents.joined(separator: ","))]}"#
  }

  /// Some megabytes at most.
  static func lines(of kind: HostileBench.Kind) -> [UInt8] {
    switch kind {
    case .quiet, .departure: []
    case .ping: repeated(#"{"id":4,"op":"ping"}"#, 4000)
    case .lookup: repeated(#"{"id":4,"op":"lookup","key":"file/crowd"}"#, 2000)
    case .peer: repeated(#"{"id":4,"op":"lookup","key":"file/crowd","peer":"\#(hex(1))"}"#, 1000)
    case .search: repeated(#"{"id":4,"op":"list","words":"wor","limit":1000}"#, 1000)
    case .add:
      (0..<5).flatMap { batch in
        Array((add((0..<900).map { document("file/w\(batch)-\($0)", $0, words(batch * 1000 + $0)) }) + "\n").utf8)
      }
    case .again: repeated(add([document("file/same", 1, words(1))]), 500)
    }
  }

  private static func repeated(_ line: String, _ count: Int) -> [UInt8] {
    Array(String(repeating: line + "\n", count: count).utf8)
  }

  /// A title of a hundred words that no other has.
  private static func words(_ number: Int) -> String {
    (0..<100).map { String((number * 100 + $0) &* 7919 % 1_679_616 + 46_656, radix: 36) }.joined(separator: " ")
  }

  private static func hex(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
  }
}
