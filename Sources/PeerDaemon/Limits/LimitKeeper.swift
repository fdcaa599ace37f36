// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import Glibc
package import Logging
package import NIOPosix
package import WireProtocol

/// The time of the local day.
package struct LocalTime: Equatable, Sendable {
  /// 0..<1440
  package var minute: Int
  /// Of the minute, 0..<60.
  package var second: Int

  package init(minute: Int, second: Int = 0) {
    self.minute = minute
    self.second = second
  }

  /// As clock and time zone of the system are now.
  package static func now() -> LocalTime {
    // Reads the zone again if it was changed; localtime_r(3) alone need not.
    tzset()
    var (seconds, parts) = (time(nil), tm())
    guard localtime_r(&seconds, &parts) != nil else { return LocalTime(minute: 0) }
    return LocalTime(minute: Int(parts.tm_hour) * 60 + Int(parts.tm_min), second: min(Int(parts.tm_sec), 59))
  }
}

/// Keeps the limits of a peer in its catalogue and puts them into force, as the time of day demands.
package actor LimitKeeper {
  /// Between two looks at the clock while there is a schedule: somebody may set it.
  private static let maxPause = 10

  private let catalogue: Catalogue
  private let pool: NIOThreadPool
  private let logger: Logger
  private let localTime: @Sendable () -> LocalTime
  private let sleep: @Sendable (Duration) async throws -> Void
  package nonisolated let down = RateLimiter()
  package nonisolated let up = RateLimiter()
  package nonisolated let slots = UploadSlots(limit: TransferLimits.defaultSlots)
  package private(set) var limits = TransferLimits()
  private var clock: Task<Void, Never>?

  package init(
    catalogue: Catalogue, pool: NIOThreadPool, logger: Logger,
    localTime: @escaping @Sendable () -> LocalTime = LocalTime.now,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.catalogue = catalogue
    self.pool = pool
    self.logger = logger
    self.localTime = localTime
    self.sleep = sleep
  }

  /// Puts the recorded limits into force.
  package func start() async {
    let names = Array(limits.settings.keys)
    do throws(WireFailure) {
      limits = TransferLimits(
        settings: try await pool.store { [catalogue] () throws(StoreError) in try catalogue.settings(names) })
    } catch {
      logger.error("cannot read the limits", metadata: ["error": "\(error.message)"])
    }
    enforce()
    followClock()
  }

  package func stop() {
    clock?.cancel()
  }

  /// Durable and in force on return.
  package func change(_ change: ChangeLimits) async throws(WireFailure) {
    var changed = limits
    changed.apply(change)
    if changed != limits {
      // Only what this change is about: another one may come meanwhile.
      let settings = changed.settings.filter { [known = limits.settings] in known[$0.key] != .some($0.value) }
      try await pool.store { [catalogue] () throws(StoreError) in try catalogue.set(settings) }
      limits.apply(change)
    }
    enforce()
    followClock()
  }

  /// The limits now.
  package var state: ControlLimitReply {
    let minute = localTime().minute
    let schedule = [(ControlLimitReply.Direction.down, limits.down), (.up, limits.up)].compactMap { direction, rate in
      rate.scheduled.map {
        ControlLimitReply.Schedule(
          direction: direction, rate: $0.rate, between: $0.between, active: $0.between.contains(minute),
          otherwise: rate.plain)
      }
    }
    return ControlLimitReply(
      down: limits.down.inForce(at: minute), up: limits.up.inForce(at: minute), downloads: limits.downloads,
      slots: limits.slots, schedule: schedule)
  }

  private func enforce() {
    let minute = localTime().minute
    down.set(limits.down.inForce(at: minute))
    let rate = limits.up.inForce(at: minute)
    up.set(rate)
    slots.set(limits.slots(at: rate))
  }

  private func followClock() {
    guard limits.hasSchedule else {
      clock.take()?.cancel()
      return
    }
    guard clock == nil else { return }
    clock = Task { [weak self, sleep, localTime] in
      while !Task.isCancelled {
        let pause = min(Self.maxPause, 60 - localTime().second)
        guard (try? await sleep(.seconds(pause))) != nil, let self else { return }
        await self.enforce()
      }
    }
  }
}
