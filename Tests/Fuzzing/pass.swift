// SPDX-License-Identifier: Apache-2.0

// Modules: LineJSON DocumentModel WireProtocol

import DocumentModel
import WireProtocol

/// A pass that is read keeps its text, and its payload written again reads as the same pass. The input is tried as the whole
/// text and as the payload in it, which mutations reach only so.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPass(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  check(String(decoding: bytes, as: UTF8.self))
  check("\(Base64URL.encode(bytes)).\(String(repeating: "A", count: 86))")
  return 0
}

private func check(_ text: String) {
  guard let signed = try? SignedPass(text) else { return }
  guard signed.text == text, signed.signature.count == SignedPass.signatureLength else {
    fatalError("the text changed")
  }
  let again = SignedPass(signed.pass, signature: signed.signature)
  guard let read = try? SignedPass(again.text), read.pass == signed.pass else { fatalError("the pass changed") }
}
