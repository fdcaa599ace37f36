// SPDX-License-Identifier: Apache-2.0

/// Why a request failed: a closed list. Clients decide by the code, never by the message.
package enum ErrorCode: String, CaseIterable, Sendable {
  /// The line is not a JSON object, or a field is missing, of the wrong type or out of range.
  case badRequest = "bad-request"
  /// A request before `hello`.
  case helloRequired = "hello-required"
  /// This plane has no such operation.
  case unknownOperation = "unknown-operation"
  /// The protocol number of `hello` is not supported.
  case unsupportedProtocol = "unsupported-protocol"
  /// Nothing was found.
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
  /// Several contents are listed under the key; one has to be chosen.
  case severalContents = "several-contents"
  /// Several peers have the name or the id prefix.
  case ambiguousPeer = "ambiguous-peer"
  /// The text is not a key.
  case invalidKey = "invalid-key"
  /// Options that do not go together.
  case usage
  /// An input file is missing, unreadable or a directory.
  case noInput = "no-input"
  /// The output file cannot be created, or a different one exists.
  case cannotCreate = "cannot-create"
  /// The bytes received do not match the content.
  case verificationFailed = "verification-failed"
  /// No holder answers.
  case noSource = "no-source"
  /// The caller is not permitted to do this.
  case forbidden
  /// A connection without TLS from where the server takes none.
  case tlsRequired = "tls-required"
  /// The client disconnected or cancelled the request.
  case cancelled
  /// A fault of the answering program.
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
    case .tlsRequired: 426
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
