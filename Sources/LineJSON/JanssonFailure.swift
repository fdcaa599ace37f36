// SPDX-License-Identifier: Apache-2.0

import CJansson

/// jansson's words for what is wrong with a line in ours.
enum JanssonFailure {
  static func syntaxError(_ failure: json_error_t) -> JSONSyntaxError {
    JSONSyntaxError(offset: max(0, Int(failure.position)), reason: reason(failure))
  }

  /// jansson keeps the code in the last byte of the text (`json_error_code` in jansson.h).
  private static func reason(_ failure: json_error_t) -> JSONSyntaxError.Reason {
    let code = withUnsafeBytes(of: failure.text) { $0.last ?? 0 }
    switch json_error_code(UInt32(code)) {
    case json_error_out_of_memory: return .outOfMemory
    case json_error_stack_overflow: return .tooDeep
    case json_error_premature_end_of_input: return .unexpectedEnd
    case json_error_end_of_input_expected: return .trailingBytes
    case json_error_invalid_utf8: return .invalidUTF8
    case json_error_null_character, json_error_null_byte_in_key: return .nulCharacter
    case json_error_duplicate_key: return .duplicateKey
    case json_error_numeric_overflow: return .numberOutOfRange
    default: return .unexpectedByte
    }
  }
}
