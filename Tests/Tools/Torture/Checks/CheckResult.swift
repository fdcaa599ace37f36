// SPDX-License-Identifier: Apache-2.0

/// What one check says.
struct CheckResult {
  let name: String
  let isGood: Bool
  /// Figures where all is good, what is wrong otherwise.
  let detail: String
}
