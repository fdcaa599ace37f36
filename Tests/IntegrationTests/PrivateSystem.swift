// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport

/// The machine with empty system directories and two temporary users, in a mount namespace (mount_namespaces(7)) that
/// vanishes with it. Needs root.
final class PrivateSystem: Sendable {
  /// The directory of our executables in the namespace.
  static let programs = "/run/p2p-programs"

  let alice: String
  let bob: String
  private let directory: TemporaryDirectory
  private let holder: Int32
  private let supervisor = Mutex<Int32?>(nil)

  /// Whether it can be created: needs util-linux, passwd and permission to mount.
  static var isPossible: Bool {
    guard geteuid() == 0 else { return false }
    for tool in ["/usr/bin/unshare", "/usr/bin/nsenter", "/usr/bin/setpriv", "/usr/sbin/useradd"]
    where access(tool, X_OK) != 0 { return false }
    return system("/usr/bin/unshare --mount true 2>/dev/null") == 0
  }

  private init(holder: Int32, directory: TemporaryDirectory, alice: String, bob: String) {
    self.holder = holder
    self.directory = directory
    self.alice = alice
    self.bob = bob
  }

  deinit {
    for pid in [supervisor.withLock { $0 }, holder].compactMap({ $0 }) {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
  }

  /// Creates a system, runs `body`, and stops what was started.
  static func with(_ body: (PrivateSystem) async throws -> Void) async throws {
    let system = try await make()
    do {
      try await body(system)
    } catch {
      await system.stop()
      throw error
    }
    await system.stop()
  }

  private static func make() async throws -> PrivateSystem {
    let directory = try TemporaryDirectory()
    let ready = directory.file("ready")
    let suffix = String(UInt32.random(in: 0 ... .max), radix: 36)
    let (alice, bob) = ("pa\(suffix)", "pb\(suffix)")
    let built = try Program("p2p-supervisor").path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    let script = """
      set -e
      mount -t tmpfs -o mode=0755 tmpfs /run
      mkdir /run/etc /run/home \(programs)
      cp -a /etc/. /run/etc
      mount --bind /run/etc /etc
      mount -t tmpfs -o mode=0755 tmpfs /var/lib
      mount -t tmpfs -o mode=0755 tmpfs /var/log
      mount --bind '\(built)' \(programs)
      rm -rf /etc/p2p
      for user in \(alice) \(bob); do
        useradd --home-dir /run/home/$user --create-home --shell /bin/sh $user
        chmod 0700 /run/home/$user
      done
      touch '\(ready)'
      exec sleep 300
      """
    let holder = try Program(path: "/usr/bin/unshare", environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
      .start(["--mount", "--propagation", "private", "/bin/sh", "-c", script], output: directory.file("holder"))
    let system = PrivateSystem(holder: holder, directory: directory, alice: alice, bob: bob)
    let isReady = await eventually(within: .seconds(30)) { access(ready, F_OK) == 0 }
    guard isReady else {
      let said = TemporaryDirectory.read(directory.file("holder.err")) ?? []
      throw Program.Failure(description: "cannot create a private system: \(String(decoding: said, as: UTF8.self))")
    }
    return system
  }

  // MARK: Commands

  /// Runs a command in the namespace, as root or as one of its users.
  @discardableResult
  func run(
    as user: String? = nil, environment: [String: String] = [:], _ command: String...
  ) async throws -> Program.Outcome {
    try await Program(path: "/usr/bin/nsenter", environment: Self.environment(of: user, environment))
      .run(prefix(user) + command)
  }

  /// Starts the supervisor as root and waits until no process is starting.
  /// - Parameter launcher: a command that executes the supervisor, such as setpriv(1) with its options.
  /// - Returns: `nil` if it runs, its standard error if it exited.
  func startSupervisor(
    _ arguments: String..., umask: String = "022", launcher: [String] = [], environment: [String: String] = [:]
  ) async throws -> String? {
    let output = directory.file("supervisor")
    let pid = try Program(path: "/usr/bin/nsenter", environment: Self.environment(of: nil, environment))
      .start(
        prefix(nil)
          + ["/bin/sh", "-c", "umask \(umask); exec \"$@\"", "sh"]
          + launcher + ["\(Self.programs)/p2p-supervisor", "run"] + arguments,
        output: output)
    supervisor.withLock { $0 = pid }
    var hasEnded = false
    let hasSettled = try await eventually(within: .seconds(30)) {
      if await Program.wait(for: pid, .zero) != nil {
        hasEnded = true
        supervisor.withLock { $0 = nil }
        return true
      }
      let status = try await run("\(Self.programs)/p2pctl", "supervisor", "status", "--json")
      return status.status == 0 && !status.output.contains("\"state\":\"starting\"")
    }
    guard hasSettled else { throw Program.Failure(description: "the supervisor did not settle") }
    guard hasEnded else { return nil }
    return String(decoding: TemporaryDirectory.read(output + ".err") ?? [], as: UTF8.self)
  }

  func stop() async {
    _ = try? await run("\(Self.programs)/p2pctl", "supervisor", "stop")
    if let pid = supervisor.withLock({ $0 }), await Program.wait(for: pid, .seconds(20)) != nil {
      supervisor.withLock { $0 = nil }
    }
  }

  private func prefix(_ user: String?) -> [String] {
    ["--mount=/proc/\(holder)/ns/mnt", "--"]
      + (user.map { ["/usr/bin/setpriv", "--reuid", $0, "--regid", $0, "--init-groups"] } ?? [])
  }

  private static func environment(of user: String?, _ more: [String: String]) -> [String: String] {
    ["HOME": user.map { "/run/home/\($0)" } ?? "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"].merging(more) { $1 }
  }
}
