// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import Synchronization

/// Watches the directories of shared files: inotify(7). It only says where to look; the look decides.
///
/// Safe to call from any thread. Calls block for system calls only.
package final class FileWatch: Sendable {
  /// What happened since the last call of `take`.
  package struct Changes: Equatable, Sendable {
    /// Paths of files, shared or not.
    package var paths: Set<String> = []
    /// Whether events were lost, or a directory was moved or removed: look at all files.
    package var isIncomplete = false

    package init() {}
  }

  /// Directories that are watched; the files in others are looked at periodically.
  private static let maxDirectories = 65_536
  /// Paths that one call of `take` returns.
  private static let maxPaths = 10_000
  private static let events = UInt32(
    IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
      | IN_ONLYDIR | IN_EXCL_UNLINK)
  /// Events that concern the directory itself.
  private static let ofDirectory = UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)
  /// 4,096 events without a name.
  private static let bufferLength = 65_536

  private struct State {
    var watches: [String: CInt] = [:]
    var directories: [CInt: String] = [:]
    /// Whether a directory cannot be watched.
    var isPartial = false
  }

  /// -1 if the system has none left.
  private let descriptor: CInt
  private let state = Mutex(State())

  package init() {
    // IN_NONBLOCK and IN_CLOEXEC have the values of these flags.
    descriptor = inotify_init1(O_NONBLOCK | O_CLOEXEC)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Whether every directory is watched. If not, files must be looked at periodically.
  package var isComplete: Bool { descriptor >= 0 && !state.withLock { $0.isPartial } }

  /// Also watches the directories of these files.
  package func add(directoriesOf paths: some Sequence<String>) {
    add(Self.directories(of: paths))
  }

  func add(_ directories: Set<String>) {
    guard descriptor >= 0 else { return }
    state.withLock { state in
      for directory in directories where state.watches[directory] == nil { add(directory, to: &state) }
    }
  }

  /// Watches these directories and no others.
  package func keep(_ wanted: Set<String>) {
    guard descriptor >= 0 else { return }
    state.withLock { state in
      for (directory, watch) in state.watches where !wanted.contains(directory) {
        state.watches[directory] = nil
        state.directories[watch] = nil
        inotify_rm_watch(descriptor, watch)
      }
      state.isPartial = false
      for directory in wanted where state.watches[directory] == nil { add(directory, to: &state) }
    }
  }

  private func add(_ directory: String, to state: inout State) {
    guard state.watches.count < Self.maxDirectories else {
      state.isPartial = true
      return
    }
    let watch = inotify_add_watch(descriptor, directory, Self.events)
    guard watch >= 0 else {
      // A directory that is missing is looked for together with its files.
      state.isPartial = state.isPartial || (errno != ENOENT && errno != ENOTDIR)
      return
    }
    // Another path of the same directory: only one is reported.
    if state.directories[watch] != nil { state.isPartial = true }
    state.directories[watch] = directory
    state.watches[directory] = watch
  }

  /// Does not wait for changes.
  package func take() -> Changes {
    var changes = Changes()
    guard descriptor >= 0 else { return changes }
    var buffer = [UInt8](repeating: 0, count: Self.bufferLength)
    while changes.paths.count < Self.maxPaths {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return changes }
      state.withLock { state in
        buffer.withUnsafeBytes { note(UnsafeRawBufferPointer(rebasing: $0[..<count]), &state, &changes) }
      }
    }
    return changes
  }

  private func note(_ bytes: UnsafeRawBufferPointer, _ state: inout State, _ changes: inout Changes) {
    let headLength = MemoryLayout<inotify_event>.size
    var position = 0
    while position + headLength <= bytes.count {
      let event = bytes.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
      let name = bytes[(position + headLength)...].prefix(Int(event.len)).prefix { $0 != 0 }
      position += headLength + Int(event.len)
      if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
        changes.isIncomplete = true
      } else if event.mask & Self.ofDirectory != 0 {
        guard let directory = state.directories.removeValue(forKey: event.wd) else { continue }
        state.watches[directory] = nil
        // A moved directory would go on reporting under its old path.
        if event.mask & UInt32(IN_MOVE_SELF) != 0 { inotify_rm_watch(descriptor, event.wd) }
        changes.isIncomplete = true
      } else if let directory = state.directories[event.wd], let name = String(validating: name, as: UTF8.self) {
        changes.paths.insert(directory == "/" ? "/\(name)" : "\(directory)/\(name)")
      }
    }
  }

  package static func directories(of paths: some Sequence<String>) -> Set<String> {
    Set(paths.compactMap(\.parent))
  }
}
