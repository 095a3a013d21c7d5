/* SPDX-License-Identifier: GPL-2.0-only */
/* CRC-32/ISO-HDLC, the checksum of a frame's payload. Pure: no descriptors, no allocation, no exit. */
#ifndef KT_CRC32_H
#define KT_CRC32_H 1

#include "libbb.h"

/* Every function here takes and returns the CRC as it stands on the wire ("123456789" -> 0xCBF43926,
 * empty -> 0), so that a checksum can be carried on: kt_crc32(kt_crc32(0, a), b) is the checksum of a
 * followed by b. */
uint32_t kt_crc32(uint32_t crc, const void *data, size_t len) FAST_FUNC;

/* The checksum of b's bytes alone, from those of a and of a followed by b; len is b's length in bytes
 * (below 2^32). Costs a few hundred steps whatever len is. */
uint32_t kt_crc32_of_tail(uint32_t crc_a, uint32_t crc_ab, uint32_t len) FAST_FUNC;

#endif
