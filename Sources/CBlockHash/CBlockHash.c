// SPDX-License-Identifier: Apache-2.0
#include "CBlockHash.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

enum { LANES = 2, CHUNK = 64 };

// FIPS 180-4, section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// The state words A...H as the instructions want them: A, B, E, F and C, D, G, H, the first in the highest bits.
typedef struct {
  __m128i abef, cdgh;
} state;

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

// Adds one chunk of 64 bytes to the state of each lane. The loops over lanes are the point: what stands in one of them is
// independent, so the processor works on both lanes at a time.
WITH_SHA static inline void compress(state lanes[LANES], const uint8_t *const data[LANES]) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i words[LANES][4];
  state before[LANES];
  for (int lane = 0; lane < LANES; lane++) {
    before[lane] = lanes[lane];
    for (int i = 0; i < 4; i++)
      words[lane][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data[lane] + i), big_endian);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) {
    const __m128i constants = _mm_load_si128((const __m128i *)round_constants + i);
    const int now = i % 4, next = (i + 1) % 4, two_ahead = (i + 2) % 4, last = (i + 3) % 4;
    for (int lane = 0; lane < LANES; lane++) {
      __m128i *w = words[lane];
      if (i >= 4) {
        const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[now], w[next]), _mm_alignr_epi8(w[last], w[two_ahead], 4));
        w[now] = _mm_sha256msg2_epu32(sum, w[last]);
      }
      const __m128i input = _mm_add_epi32(w[now], constants);
      lanes[lane].cdgh = _mm_sha256rnds2_epu32(lanes[lane].cdgh, lanes[lane].abef, input);
      lanes[lane].abef = _mm_sha256rnds2_epu32(lanes[lane].abef, lanes[lane].cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
  }
  for (int lane = 0; lane < LANES; lane++) {
    lanes[lane].abef = _mm_add_epi32(lanes[lane].abef, before[lane].abef);
    lanes[lane].cdgh = _mm_add_epi32(lanes[lane].cdgh, before[lane].cdgh);
  }
}

WITH_SHA static void store(state lane, uint8_t *hash) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);  // A, B, E, F in memory order
  const __m128i hgdc = _mm_shuffle_epi32(lane.cdgh, 0x1b);  // C, D, G, H
  const __m128i abcd = _mm_unpacklo_epi64(feba, hgdc), efgh = _mm_unpackhi_epi64(feba, hgdc);
  _mm_storeu_si128((__m128i *)hash, _mm_shuffle_epi8(abcd, big_endian));
  _mm_storeu_si128((__m128i *)hash + 1, _mm_shuffle_epi8(efgh, big_endian));
}

WITH_SHA void block_hash_pair(const void *first, const void *second, size_t length, uint8_t *hashes) {
  const state initial = {
      .abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
      .cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
  };
  state lanes[LANES] = {initial, initial};
  const uint8_t *data[LANES] = {first, second};
  size_t left = length;
  for (; left >= CHUNK; left -= CHUNK) {
    compress(lanes, data);
    for (int lane = 0; lane < LANES; lane++) data[lane] += CHUNK;
  }
  // A bit 1, zeros, and the length in bits: one chunk, or two if the length does not fit behind the rest.
  uint8_t ends[LANES][2 * CHUNK] = {{0}};
  const size_t end = left + 9 <= CHUNK ? CHUNK : 2 * CHUNK;
  for (int lane = 0; lane < LANES; lane++) {
    if (left > 0) memcpy(ends[lane], data[lane], left);
    ends[lane][left] = 0x80;
    for (size_t i = 0; i < 8; i++) ends[lane][end - 1 - i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
  }
  for (size_t start = 0; start < end; start += CHUNK)
    compress(lanes, (const uint8_t *[LANES]){ends[0] + start, ends[1] + start});
  for (int lane = 0; lane < LANES; lane++) store(lanes[lane], hashes + 32 * lane);
}

bool block_hash_has_pairs(void) {
  unsigned int a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

#else

bool block_hash_has_pairs(void) { return false; }

void block_hash_pair(const void *first, const void *second, size_t length, uint8_t *hashes) {
  (void)first, (void)second, (void)length, (void)hashes;
}

#endif
