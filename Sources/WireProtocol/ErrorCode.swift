// SPDX-License-Identifier: Apache-2.0

/// Why a request failed: a closed list. Clients switch on the code, never on the text.
package enum ErrorCode: String, CaseIterable, Sendable {
  /// The line is no JSON object, or a field is missing, of the wrong type or out of range.
  case badRequest = "bad-request"
  /// Something was asked before `hello`.
  case helloRequired = "hello-required"
  /// The operation is not known on this plane.
  case unknownOperation = "unknown-operation"
  /// The protocol number of `hello` is not spoken here.
  case unsupportedProtocol = "unsupported-protocol"
  /// Nothing stands under what was asked for.
  case notFound = "not-found"
  /// `add` by a session that named no port to fetch from.
  case noPort = "no-port"
  /// Offset and length, or index and length, lie beyond the content or the layer.
  case invalidRange = "invalid-range"
  /// More in one request, or in one line, than the limits allow.
  case tooLarge = "too-large"
  /// More connections, records or transfers than the limits allow.
  case tooMany = "too-many"
  /// Not now: starting, stopping, or cut off from the index.
  case unavailable
  /// The file is no longer what was shared.
  case changed
  /// Several contents stand under the key; one has to be chosen.
  case severalContents = "several-contents"
  /// Several peers have the name or the beginning of the id.
  case ambiguousPeer = "ambiguous-peer"
  /// What was typed is no key.
  case invalidKey = "invalid-key"
  /// Options that do not go together.
  case usage
  /// An input file is missing, unreadable or a directory.
  case noInput = "no-input"
  /// The output file cannot be created, or a different one stands there.
  case cannotCreate = "cannot-create"
  /// What came is not what the content id says.
  case verificationFailed = "verification-failed"
  /// Nobody who offers it answers.
  case noSource = "no-source"
  /// The caller may not do this.
  case forbidden
  /// The one who asked has gone, or has asked to stop.
  case cancelled
  /// A fault of the program that answers.
  case `internal`

  /// The number that goes with it, in HTTP's meaning (RFC 9110 section 15).
  package var status: Int {
    switch self {
    case .severalContents, .ambiguousPeer: 300
    case .badRequest, .helloRequired: 400
    case .forbidden: 403
    case .notFound: 404
    case .noPort, .cannotCreate: 409
    case .changed: 410
    case .tooLarge: 413
    case .invalidRange: 416
    case .invalidKey, .usage, .noInput: 422
    case .tooMany: 429
    case .cancelled: 499
    case .internal: 500
    case .unknownOperation: 501
    case .verificationFailed: 502
    case .unavailable: 503
    case .noSource: 504
    case .unsupportedProtocol: 505
    }
  }
}
