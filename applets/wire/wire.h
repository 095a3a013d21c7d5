/* SPDX-License-Identifier: GPL-2.0-only */
/* The vocabulary of the wire: frame header, message types, lifecycle phases, log markers. Pure.
 * Source: docs/internals/wire.md, which states ktstr's protocol and marks what ktbox adds. */
#ifndef KT_WIRE_H
#define KT_WIRE_H 1

#include "libbb.h"

enum {
	KT_HEADER_LEN = 16,
	/* One write(2) of up to 32 KiB to a virtio port is atomic between processes; a larger one is torn. */
	KT_FRAME_MAX = 32768,
	KT_PAYLOAD_MAX = KT_FRAME_MAX - KT_HEADER_LEN,
	/* What a reader accepts: ktstr sends frames of up to 16 MiB. */
	KT_LENGTH_MAX = 16 * 1024 * 1024,
	KT_ADDRESS_COUNT = 3,
	KT_NUMBER_LEN = 4, /* of KT_NUMBERED */
	KT_STAMP_LEN = 8, /* of KT_STAMPED */
	KT_MARK_TEXT_MAX = 200,
	KT_METRIC_NAME_MAX = 64, /* host/launcher/figures/stats_file.py has the same */
	KT_METRIC_VALUE_MAX = 40,
	KT_METRIC_UNIT_MAX = 16,
};

/* Tags that code uses by name; kt_types[] has all of them. */
enum {
	KT_EXIT = 0x45584954,
	KT_SCHED_EXIT = 0x53434458,
	KT_STDOUT = 0x534f5554,
	KT_STDERR = 0x53455252,
	KT_SCHED_LOG = 0x53434c47,
	KT_LIFECYCLE = 0x4c494645,
	KT_EXEC_EXIT = 0x45584358,
	KT_DMESG = 0x444d5347,
	KT_SYS_READY = 0x53524459,
	KT_SCENARIO_END = 0x5343454e,
	KT_SCHED_STATE = 0x53535441,
	KT_INIT_ERROR = 0x49455252,
	KT_FIN = 0x46494e49,
	KT_FILE = 0x46494c45,
	KT_FILE_DATA = 0x46444154,
	KT_FILE_END = 0x46454e44,
	KT_BARRIER = 0x42415252,
	KT_PRINTK = 0x5052544b,
	KT_KMSG = 0x4b4d5347,
	KT_SCHED_LIVE = 0x534c4956,
	KT_HISTORY = 0x48495354,
	KT_SCX_DUMP = 0x53435844,
	KT_SCX_DUMP_END = 0x53435845,
	KT_MARK = 0x4d41524b,
	KT_TEST_CASE = 0x54434153,
	KT_STATS = 0x53544154,
	KT_METRIC = 0x4d455452,
	/* on the port ktbox-ctl */
	KT_STDIN = 0x53544449,
	KT_WINSIZE = 0x57494e53,
	KT_TTY_BEGIN = 0x54424547,
	KT_TTY_OUTPUT = 0x544f5554,
	KT_TTY_END = 0x54454e44,
	KT_TTY_ACK = 0x5441434b,
};

/* What a payload consists of */
enum kt_payload {
	KT_EMPTY,  /* nothing */
	KT_I32,    /* a signed 32-bit number */
	KT_U64,    /* an unsigned 64-bit number */
	KT_ADDRESSES, /* KT_ADDRESS_COUNT unsigned 64-bit numbers */
	KT_PHASE,  /* u8 lifecycle phase, then optional text */
	KT_OPAQUE, /* bytes that belong together: one frame, never split */
	KT_BYTES_SENT, /* an unsigned 64-bit number, or nothing when it is unknown */
	KT_STAMPED, /* u64 milliseconds since the guest's boot, then text */
	KT_NUMBERED, /* u32 number, then bytes of the thing with this number */
	KT_STREAM, /* bytes that may be split over frames anywhere */
};

struct kt_type {
	const char *name;
	uint32_t tag;
	uint8_t payload; /* enum kt_payload */
	bool extension; /* ktbox's own, unknown to ktstr */
};

/* Ends with an entry whose name is NULL */
extern const struct kt_type kt_types[];

enum { KT_SCHEDULER_DIED = 3, KT_SCHEDULER_NOT_ATTACHED = 4, KT_PAYLOAD_STARTING = 2 };
/* Names by phase number, from 1; phases[0] is NULL because 0 is invalid. */
enum { KT_PHASES = 5 };
extern const char *const kt_phases[KT_PHASES];

#define KT_LOG_START "===SCHED_OUTPUT_START==="
#define KT_LOG_END "===SCHED_OUTPUT_END==="

struct kt_header {
	uint32_t tag;
	uint32_t length; /* bytes of payload */
	uint32_t crc; /* of the payload alone */
};

/* NULL when there is no such type */
const struct kt_type *kt_type_by_name(const char *name) FAST_FUNC;
const struct kt_type *kt_type_by_tag(uint32_t tag) FAST_FUNC;

/* Whether a tag spells four printable letters; a reader treats anything else as damage. */
bool kt_tag_is_plausible(uint32_t tag) FAST_FUNC;

/* Integers travel little-endian. */
void kt_put_u32(uint8_t *out, uint32_t value) FAST_FUNC;
void kt_put_u64(uint8_t *out, uint64_t value) FAST_FUNC;
uint32_t kt_get_u32(const uint8_t *in) FAST_FUNC;
uint64_t kt_get_u64(const uint8_t *in) FAST_FUNC;

/* Writes the KT_HEADER_LEN bytes of the header of this payload. */
void kt_header_encode(uint8_t *out, uint32_t tag, const void *payload, uint32_t length) FAST_FUNC;

/* Decodes KT_HEADER_LEN bytes; false when they can't be a header (tag, length or padding out of bounds). */
bool kt_header_decode(const uint8_t *in, struct kt_header *header) FAST_FUNC;

#endif
