// SPDX-License-Identifier: Apache-2.0

extension Console {
  /// `nil` where no terminal shows progress.
  func meter() -> ProgressMeter? {
    terminal.isErrors ? ProgressMeter(width: terminal.columns, start: now()) : nil
  }

  func show(_ meter: inout ProgressMeter?, label: String, done: Int64, total: Int64) {
    if let text = meter?.update(label: label, done: done, total: total, now: now()) { note(text) }
  }

  func wipe(_ meter: inout ProgressMeter?) {
    if let text = meter?.clear(), !text.isEmpty { note(text) }
  }
}
