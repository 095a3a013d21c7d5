/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vocabulary of the wire: frame header, message types, lifecycle phases.
 *
 * In and out: bytes and names, as docs/internals/wire.md states them.
 */
//kbuild:lib-y += wire.o

#include "crc32.h"
#include "wire.h"

const struct kt_type kt_types[] = {
	{ "stimulus",           0x5354494d, KT_OPAQUE },
	{ "scenario-start",     0x53435354, KT_EMPTY },
	{ "scenario-end",       KT_SCENARIO_END, KT_U64 },
	{ "scenario-pause",     0x53435050, KT_EMPTY },
	{ "scenario-resume",    0x53435252, KT_EMPTY },
	{ "exit",               KT_EXIT, KT_I32 },
	{ "test-result",        0x54455354, KT_OPAQUE },
	{ "sched-exit",         KT_SCHED_EXIT, KT_I32 },
	{ "crash",              0x43525348, KT_OPAQUE },
	{ "payload-metrics",    0x504d4554, KT_OPAQUE },
	{ "raw-payload-output", 0x5241574f, KT_OPAQUE },
	{ "profraw",            0x50524157, KT_OPAQUE },
	{ "stdout",             KT_STDOUT, KT_STREAM },
	{ "stderr",             KT_STDERR, KT_STREAM },
	{ "sched-log",          KT_SCHED_LOG, KT_STREAM },
	{ "lifecycle",          KT_LIFECYCLE, KT_PHASE },
	{ "exec-exit",          KT_EXEC_EXIT, KT_I32 },
	{ "dmesg",              KT_DMESG, KT_STREAM },
	{ "probe-output",       0x50524f42, KT_STREAM },
	{ "snapshot-request",   0x534e5251, KT_OPAQUE },
	{ "snapshot-reply",     0x534e5250, KT_OPAQUE },
	{ "kernel-op-request",  0x4b4f5251, KT_OPAQUE },
	{ "kernel-op-reply",    0x4b4f5250, KT_OPAQUE },
	{ "sys-ready",          KT_SYS_READY, KT_EMPTY },
	{ "kern-addrs",         0x4b414452, KT_ADDRESSES },
	{ "sched-state",        KT_SCHED_STATE, KT_OPAQUE, true },
	{ "init-error",         KT_INIT_ERROR, KT_OPAQUE, true },
	{ "scx-dump",           KT_SCX_DUMP, KT_NUMBERED, true },
	{ "scx-dump-end",       KT_SCX_DUMP_END, KT_OPAQUE, true },
	{ "sched-live",         KT_SCHED_LIVE, KT_NUMBERED, true },
	{ "history",            KT_HISTORY, KT_NUMBERED, true },
	{ "printk",             KT_PRINTK, KT_STREAM, true },
	{ "kmsg",               KT_KMSG, KT_STREAM, true },
	{ "fin",                KT_FIN, KT_BYTES_SENT, true },
	{ "file",               KT_FILE, KT_NUMBERED, true },
	{ "file-data",          KT_FILE_DATA, KT_NUMBERED, true },
	{ "file-end",           KT_FILE_END, KT_NUMBERED, true },
	{ "stdin",              KT_STDIN, KT_STREAM, true },
	{ "window-size",        KT_WINSIZE, KT_OPAQUE, true },
	{ "tty-begin",          KT_TTY_BEGIN, KT_EMPTY, true },
	{ "tty-output",         KT_TTY_OUTPUT, KT_STREAM, true },
	{ "tty-end",            KT_TTY_END, KT_EMPTY, true },
	{ "tty-ack",            KT_TTY_ACK, KT_EMPTY, true },
	{ "barrier",            KT_BARRIER, KT_EMPTY, true },
	{ "mark",               KT_MARK, KT_STAMPED, true },
	{ "test-case",          KT_TEST_CASE, KT_OPAQUE, true },
	{ "stats",              KT_STATS, KT_STAMPED, true },
	{ "metric",             KT_METRIC, KT_STAMPED, true },
	{ NULL }
};

const char *const kt_phases[KT_PHASES] = {
	NULL, "init-started", "payload-starting", "scheduler-died", "scheduler-not-attached"
};

const struct kt_type* FAST_FUNC kt_type_by_name(const char *name)
{
	const struct kt_type *type;

	for (type = kt_types; type->name; type++)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

const struct kt_type* FAST_FUNC kt_type_by_tag(uint32_t tag)
{
	const struct kt_type *type;

	for (type = kt_types; type->name; type++)
		if (type->tag == tag)
			return type;
	return NULL;
}

bool FAST_FUNC kt_tag_is_plausible(uint32_t tag)
{
	unsigned shift;

	for (shift = 0; shift < 32; shift += 8) {
		uint8_t letter = tag >> shift;

		if (letter <= ' ' || letter > '~')
			return false;
	}
	return true;
}

void FAST_FUNC kt_put_u32(uint8_t *out, uint32_t value)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		out[i] = value >> (8 * i);
}

void FAST_FUNC kt_put_u64(uint8_t *out, uint64_t value)
{
	kt_put_u32(out, value);
	kt_put_u32(out + 4, value >> 32);
}

uint32_t FAST_FUNC kt_get_u32(const uint8_t *in)
{
	return in[0] | in[1] << 8 | in[2] << 16 | (uint32_t)in[3] << 24;
}

uint64_t FAST_FUNC kt_get_u64(const uint8_t *in)
{
	return kt_get_u32(in) | (uint64_t)kt_get_u32(in + 4) << 32;
}

void FAST_FUNC kt_header_encode(uint8_t *out, uint32_t tag, const void *payload, uint32_t length)
{
	kt_put_u32(out, tag);
	kt_put_u32(out + 4, length);
	kt_put_u32(out + 8, kt_crc32(0, payload, length));
	kt_put_u32(out + 12, 0);
}

bool FAST_FUNC kt_header_decode(const uint8_t *in, struct kt_header *header)
{
	if (kt_get_u32(in + 12) != 0) /* first: it rules out most positions that a search after damage tries */
		return false;
	header->tag = kt_get_u32(in);
	header->length = kt_get_u32(in + 4);
	header->crc = kt_get_u32(in + 8);
	return header->length <= KT_LENGTH_MAX && kt_tag_is_plausible(header->tag);
}
