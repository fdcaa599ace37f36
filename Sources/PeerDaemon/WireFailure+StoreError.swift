// SPDX-License-Identifier: Apache-2.0

import ContentStore
import WireProtocol

extension WireFailure {
  /// What a person, or another peer, is told of a failure of the store.
  init(_ error: StoreError) {
    let code: ErrorCode =
      switch error.code {
      case .vanished, .unreadable, .notAFile: .noInput
      case .changed: .changed
      case .cancelled: .cancelled
      case .exists, .cannotCreate, .noSpace, .notADirectory, .nameTooLong: .cannotCreate
      case .invalidRange: .invalidRange
      case .catalogueInUse: .unavailable
      case .inputOutput, .damagedLayer, .catalogueDamaged, .catalogueFailed: .internal
      }
    self.init(code, error.description)
  }
}
