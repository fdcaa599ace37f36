// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing

/// What an index says it takes is what the process takes: it refuses by that.
@Suite struct IndexMemoryTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func document(_ number: Int) -> String {
    let digits = String(number + 1, radix: 16)
    let root = String(repeating: "0", count: 64 - digits.count) + digits
    return #"{"key":"data/some/directory/file-\#(number).txt","title":"Title number \#(number) of a document, "#
      + #"word\#(number % 977) x\#(number)","content":"\#(root)","size":10,"modified":"1981-09-01T00:00:00Z"}"#
  }

  /// In bytes (proc(5), statm).
  private func resident(_ process: Int32) -> Int {
    let fields = TemporaryDirectory.read("/proc/\(process)/statm").map { String(decoding: $0, as: UTF8.self) } ?? ""
    return (fields.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
  }

  @Test func `memory that the index reports is what the process takes`() async throws {
    let log = directory.file("output")
    let process = try Program("p2p-index").start(["--listen", "127.0.0.1:0"], output: log)
    defer { kill(process, SIGKILL) }
    let isListening = await eventually { address(in: log) != nil }
    #expect(isListening)
    let session = try RawConnection(to: #require(address(in: log)))
    let peer = String(repeating: "a", count: 64)
    _ = try session.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(peer)","name":"alice","port":40001}"#)
    func reported() throws -> Int { Int(try session.ask(#"{"id":2,"op":"stats"}"#)["bytes"]?.integer ?? 0) }
    let before = (process: resident(process), index: try reported())
    for start in stride(from: 0, to: 60_000, by: 500) {
      let documents = (start..<start + 500).map(document).joined(separator: ",")
      #expect(try session.ask(#"{"id":3,"op":"add","documents":[\#(documents)]}"#)["added"] == 500)
    }
    let (taken, said) = (resident(process) - before.process, try reported() - before.index)
    // A few MiB are for lines on their way.
    #expect(Double(said) > Double(taken - (6 << 20)) * 0.8)
    #expect(Double(said) < Double(taken) * 1.2, "\(said) said, \(taken) taken")
  }

  private func address(in log: String) -> Endpoint? {
    let text = TemporaryDirectory.read(log + ".err").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").first { $0.contains("listens at ") }
    return line?.split(separator: " ").last.flatMap { try? Endpoint(String($0)) }
  }
}
