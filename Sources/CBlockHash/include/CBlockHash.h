// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of two buffers at a time (FIPS 180-4).
//
// The SHA instructions of a processor depend on each other in a chain; a second, independent hash fits into the gaps. On
// one core of x86-64 two hash 1.7 times as many bytes as one after the other. No cryptographic library that Swift packages
// offer does that; for a single buffer use such a library.
#ifndef C_BLOCK_HASH_H
#define C_BLOCK_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor can: x86-64 with SHA-NI.
bool block_hash_has_pairs(void);

/// Writes the hashes of two buffers of the same length, 32 bytes each, behind each other. Only if `block_hash_has_pairs()`.
void block_hash_pair(const void *first, const void *second, size_t length, uint8_t *hashes);

#endif
