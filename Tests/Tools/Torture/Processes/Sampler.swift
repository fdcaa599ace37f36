// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON

/// Samples memory and descriptors of every process.
final class Sampler {
  struct Reading {
    let seconds: Int
    let pid: Int32
    let memory: Int
    let descriptors: Int
  }

  private let path: String?
  private let interval: Int
  private let start = ContinuousClock.now
  private var next = ContinuousClock.now
  /// By name: the first and the latest reading.
  private(set) var first: [String: Reading] = [:]
  private(set) var last: [String: Reading] = [:]

  /// - Parameter interval: in seconds.
  init(path: String?, interval: Int) {
    self.path = path
    self.interval = interval
  }

  func baseline(_ rows: [Fleet.Row]?) {
    first = readings(rows ?? [])
  }

  func sample(_ rows: [Fleet.Row], operations: Int) {
    guard ContinuousClock.now >= next else { return }
    next = .now + .seconds(interval)
    last = readings(rows, operations: operations)
  }

  func readings(_ rows: [Fleet.Row], operations: Int? = nil) -> [String: Reading] {
    var readings: [String: Reading] = [:]
    var lines: [UInt8] = []
    for row in rows {
      guard row.pid > 1, let usage = ProcessTable.usage(of: row.pid) else { continue }
      let reading = Reading(
        seconds: Int((ContinuousClock.now - start).seconds), pid: row.pid, memory: usage.memory,
        descriptors: usage.descriptors)
      readings[row.name] = reading
      let line: JSONValue = [
        "seconds": .integer(Int64(reading.seconds)), "process": .string(row.name), "pid": .integer(Int64(row.pid)),
        "rss": .integer(Int64(usage.memory)), "descriptors": .integer(Int64(usage.descriptors)),
        "threads": .integer(Int64(usage.threads)), "operations": .integer(Int64(operations ?? 0)),
      ]
      if operations != nil { lines += (try? Jansson.encodeLine(line)) ?? [] }
    }
    write(lines)
    return readings
  }

  private func write(_ lines: [UInt8]) {
    guard let path, !lines.isEmpty else { return }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    _ = Glibc.write(descriptor, lines, lines.count)
  }

  func summary() -> [(name: String, from: Reading?, to: Reading)] {
    last.sorted { $0.key < $1.key }.map { ($0.key, first[$0.key], $0.value) }
  }
}
