// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// A connection to a control socket after `hello`. Follows the written protocol and uses no code of the front end.
final class ControlSession {
  struct Answer {
    let reply: JSONValue
    let events: [JSONValue]

    /// `ok` or the error code.
    var outcome: String { reply["status"]?.integer == 200 ? "ok" : reply["error"]?.string ?? "no code" }
    var isOK: Bool { outcome == "ok" }
    /// The message of SQLite if a file cannot grow.
    var isDiskFailure: Bool { reply["message"]?.string?.hasSuffix("disk I/O error") ?? false }
  }

  enum Failure: Error {
    /// The request was not sent: nothing listens.
    case refused(String)
    /// The connection ended before the answer.
    case lost(String)
    /// No answer within the timeout.
    case silent
  }

  private let connection: RawConnection
  private var nextID: Int64 = 2

  /// - Parameter timeout: maximum silence.
  init(path: String, timeout: Duration) throws(Failure) {
    do {
      connection = try RawConnection(path: path, timeout: timeout)
      let greeting = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
      guard greeting["status"]?.integer == 200 else {
        throw Failure.refused(greeting["error"]?.string ?? "unexpected greeting")
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw .refused("\(error)")
    }
  }

  func ask(_ request: JSONMembers) throws(Failure) -> Answer {
    try send(request)
    return try answer()
  }

  func send(_ request: JSONMembers) throws(Failure) {
    var members = request
    members["id"] = .integer(nextID)
    nextID += 1
    do { try connection.send(try Jansson.encodeLine(.object(members))) } catch { throw .lost("\(error)") }
  }

  func answer() throws(Failure) -> Answer {
    var events: [JSONValue] = []
    while true {
      let line = try line()
      if line["event"] == nil { return Answer(reply: line, events: events) }
      if line["event"]?.string != "progress" { events.append(line) }
    }
  }

  func line() throws(Failure) -> JSONValue {
    do {
      return try connection.reply()
    } catch {
      if (error as? RawConnection.Failure)?.kind == .timeout { throw .silent }
      throw .lost("\(error)")
    }
  }
}
