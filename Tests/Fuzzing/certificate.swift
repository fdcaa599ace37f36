// SPDX-License-Identifier: Apache-2.0

// Shared: Sources/PeerIdentity/CertificateReader.swift
// Seeds: Tests/Fuzzing/certificates

/// The key that is found is one of P-256, and stands in the certificate as it is.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCertificate(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  guard let key = CertificateReader.publicKey(in: bytes) else { return 0 }
  guard CertificateReader.isKey(key), bytes.indices.contains(where: { bytes[$0...].starts(with: key) }) else {
    fatalError("another key than the one in the certificate")
  }
  return 0
}
