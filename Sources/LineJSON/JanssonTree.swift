// SPDX-License-Identifier: Apache-2.0

import CJansson

/// The one owner of a jansson value: lets go of it exactly once, at the end of its own life.
struct JanssonTree: ~Copyable {
  private let root: UnsafeMutablePointer<json_t>

  /// Takes over the reference that `root` stands for; `nil` for `nil`.
  init?(owning root: UnsafeMutablePointer<json_t>?) {
    guard let root else { return nil }
    self.root = root
  }

  deinit { json_decref(root) }

  /// Hands the value to `body`, which must not let it out.
  borrowing func withRoot<Result, Failure>(
    _ body: (UnsafeMutablePointer<json_t>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(root)
  }

  /// Gives the reference to a function that takes it over.
  consuming func release() -> UnsafeMutablePointer<json_t> {
    let root = root
    discard self
    return root
  }
}
