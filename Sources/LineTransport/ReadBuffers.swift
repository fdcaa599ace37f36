// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The memory into which a connection reads: as much as the last reads needed, and gone between them. The buffers that NIO
/// keeps for each channel otherwise would be four times 64 KiB for good once it has sent much, for thousands of channels.
struct ReadBuffers: RecvByteBufferAllocator {
  /// NIO keeps the first buffer of a channel.
  private static let first = 256
  /// Once a read has filled its buffer: requests that come together should be read and answered together.
  private static let usual = 8 * 1024
  private static let largest = 64 * 1024

  private var size = first

  /// - Returns: true, so that no buffer is used again.
  mutating func record(actualReadBytes count: Int) -> Bool {
    if count >= size {
      size = min(max(2 * size, Self.usual), Self.largest)
    } else if size > Self.usual, count < size / 4 {
      size /= 2
    }
    return true
  }

  /// `nil`, so that none is kept for the next read.
  func nextBufferSize() -> Int? { nil }

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
    allocator.buffer(capacity: size)
  }
}
