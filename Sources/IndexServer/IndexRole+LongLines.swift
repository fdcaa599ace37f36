// SPDX-License-Identifier: Apache-2.0

import Dispatch
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// A request that was decoded elsewhere. An object, because every connection would have room for it otherwise.
final class DecodedRequest: Sendable {
  let id: Int64?
  let request: Result<IndexRequest, WireFailure>

  init(_ line: [UInt8], batchLimit: Int) {
    var (reader, known) = (JSONReader(), Int64?.none)
    do {
      let read = try reader.read(line) { object in
        known = try object.requestID()
        return try IndexRequest(object, batchLimit: batchLimit)
      }
      request = .success(read)
    } catch let failure as WireFailure {
      request = .failure(failure)
    } catch {
      request = .failure(.unreadableLine(error))
    }
    id = known
  }
}

/// Long lines: to decode one takes up to 100 ms, in one piece. That is done on a thread of its own, while others have their
/// turns.
extension IndexRole {
  /// More bytes than this.
  static var longLine: Int { 16 * 1024 }

  /// - Returns: `nil` if the line is to be decoded here.
  func decodeElsewhere(_ line: UnsafeRawBufferPointer, _ output: inout JSONWriter) -> LineVerdict? {
    guard line.count > Self.longLine, let decoder, let connection else { return nil }
    guard session != nil else { return refuse(.helloRequired, id: nil, &output) }
    let limits = reader.map { service.limits(for: $0) } ?? service.limits
    do {
      if limits.hasRates { try checkRates(limits) }
    } catch {
      return refuse(error, id: nil, &output)
    }
    let (bytes, loop) = (Array(line), connection.eventLoop)
    let bound = NIOLoopBound(self, eventLoop: loop)
    decoder.async {
      let decoded = DecodedRequest(bytes, batchLimit: limits.batch)
      loop.execute { bound.value.goOn(with: decoded) }
    }
    return .busy
  }

  private func goOn(with decoded: DecodedRequest) {
    guard session != nil, let connection else { return }
    self.decoded = decoded
    connection.goOn()
  }

  /// Answers it, or begins to.
  func answer(_ decoded: DecodedRequest, _ output: inout JSONWriter) -> LineVerdict {
    do throws(WireFailure) {
      return try route(try decoded.request.get(), decoded.id ?? 0, &output)
    } catch {
      return refuse(error, id: decoded.id, &output)
    }
  }
}
