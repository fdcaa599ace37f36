// SPDX-License-Identifier: Apache-2.0

// Packages: IndexServerTests
// Modules: DocumentModel LineJSON DocumentIndex POSIXSupport WireProtocol LineTransport ProcessSupport IndexServer
// Shared: Tests/IndexServerTests/SessionCheck.swift Tests/IndexServerTests/EmbeddedConnection.swift Tests/IndexServerTests/Wire.swift
// Seeds: Tests/IndexServerTests/Sessions

import IndexServer

/// The bytes of one client of the index, after its `hello`.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzIndexSession(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  do {
    if let problem = try SessionCheck.problem(input) { fatalError(problem) }
  } catch {
    fatalError("\(error)")
  }
  return 0
}
