/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktsend: send one typed frame, or stdin in chunks, to the host.
 *
 * In:   a message type by name, or 0xHEX for any tag; its data as arguments, or from stdin with "-".
 * Out:  frames on the port (-p PATH, else KT_PORT_FD, else the port ktstr-bulk).
 * Ends: when it is sent; with "-", at the end of stdin, and with -d also at TERM, after sending what stdin has
 *       by then; with -b, when the port's queue holds nothing of it.
 * Exit: 0 sent; 1 otherwise. Bad arguments are refused before anything is sent.
 *
 * A stream is sent as it arrives. Anything else is one frame, so that its reader gets all of it or nothing.
 *
 * /init's shell runs it without a process (ktsh.c): it keeps nothing between two runs, and never calls exit(3).
 */
//config:config KTSEND
//config:	bool "ktsend"
//config:	default y
//config:	help
//config:	Send one typed frame, or stdin in chunks, to the host.

//applet:IF_KTSEND(APPLET_NOFORK(ktsend, ktsend, BB_DIR_USR_BIN, BB_SUID_DROP, ktsend))

//kbuild:lib-$(CONFIG_KTSEND) += ktsend.o

//usage:#define ktsend_trivial_usage
//usage:       "[-bd] [-p PATH] TYPE [DATA] | -l"
//usage:#define ktsend_full_usage "\n\n"
//usage:       "Send a frame to the host\n"
//usage:     "\n	TYPE	A message type's name, or 0xHEX for any tag"
//usage:     "\n	DATA	Text, or - for stdin. exit, sched-exit, exec-exit: a number."
//usage:     "\n		scenario-end: milliseconds. lifecycle: PHASE [REASON]."
//usage:     "\n		kern-addrs: three addresses, 0 for unknown."
//usage:     "\n		mark: what happened; the time is added."
//usage:     "\n		metric: NAME VALUE [UNIT], a figure of the payload's own."
//usage:     "\n		fin: bytes that the port has sent, or unknown"
//usage:     "\n	-b	Wait until the host has taken it, by sending barrier frames"
//usage:     "\n	-d	At TERM, send what stdin has and end"
//usage:     "\n	-p PATH	Send to PATH (- is stdout), not to the bulk port"
//usage:     "\n	-l	List the types"

#include <math.h>
#include <poll.h>
#include "port.h"

/* A record of /dev/kmsg (CONSOLE_EXT_LOG_MAX in kernel/printk); with less space, read gives EINVAL. */
enum { RECORD_MAX = 8192 };

static const char *const payload_names[] = {
	[KT_EMPTY] = "empty",
	[KT_I32] = "number",
	[KT_U64] = "milliseconds",
	[KT_ADDRESSES] = "three addresses",
	[KT_PHASE] = "phase [reason]",
	[KT_BYTES_SENT] = "bytes or unknown",
	[KT_STAMPED] = "text",
	[KT_NUMBERED] = "u32 number, bytes",
	[KT_OPAQUE] = "one frame",
	[KT_STREAM] = "stream",
};

static int list_types(void)
{
	const struct kt_type *type;

	for (type = kt_types; type->name; type++)
		printf("%-19s 0x%08x  %s%s\n", type->name, (unsigned)type->tag,
			payload_names[type->payload], type->extension ? "  (ktbox extension)" : "");
	fflush_stdout_and_exit_SUCCESS();
}

static void die_of_unknown_type(const char *name)
{
	const struct kt_type *type;

	bb_error_msg("unable to send '%s': no such type; known are 0xHEX and", name);
	for (type = kt_types; type->name; type++)
		fprintf(stderr, " %s", type->name);
	fputc('\n', stderr);
	xfunc_die();
}

static void die_of_unknown_phase(const char *name)
{
	bb_error_msg_and_die("unable to send phase '%s': known are %s, %s, %s, %s and their numbers 1 to 4",
		name, kt_phases[1], kt_phases[2], kt_phases[3], kt_phases[4]);
}

static struct kt_type parse_type(const char *name)
{
	const struct kt_type *known = kt_type_by_name(name);
	struct kt_type any = { .name = name, .payload = KT_OPAQUE };
	char *end;

	if (known)
		return *known;
	if (name[0] != '0' || (name[1] | 0x20) != 'x')
		die_of_unknown_type(name);
	any.tag = bb_strtou(name + 2, &end, 16);
	if (errno != 0 || !isxdigit(name[2]))
		bb_error_msg_and_die("unable to send '%s': not a 32-bit hexadecimal number", name);
	if (!kt_tag_is_plausible(any.tag))
		bb_error_msg_and_die("unable to send '%s': a tag spells four printable letters,"
			" others are damage to a reader", name);
	return any;
}

static const char *number_of(const struct kt_type *type, char **data)
{
	if (!data[0] || data[1])
		bb_error_msg_and_die("unable to send '%s': it takes one number", type->name);
	return data[0];
}

static uint32_t put_i32(uint8_t *out, const struct kt_type *type, char **data)
{
	const char *text = number_of(type, data);
	long long value = bb_strtoll(text, NULL, 10);

	if (errno != 0 || value < INT32_MIN || value > INT32_MAX)
		bb_error_msg_and_die("unable to send '%s' as '%s': a number from -2147483648 to 2147483647 is known",
			text, type->name);
	kt_put_u32(out, value);
	return 4;
}

static uint32_t put_u64(uint8_t *out, const struct kt_type *type, char **data)
{
	const char *text = number_of(type, data);
	unsigned long long value = bb_strtoull(text, NULL, 10);

	if (errno != 0 || !isdigit(text[0]))
		bb_error_msg_and_die("unable to send '%s' as '%s': a number from 0 to 18446744073709551615 is known",
			text, type->name);
	kt_put_u64(out, value);
	return 8;
}

static uint32_t put_text(uint8_t *out, uint32_t capacity, const char *name, const char *text)
{
	size_t len = strlen(text);

	if (len > capacity)
		bb_error_msg_and_die("unable to send '%s': over %u bytes in one frame", name, (unsigned)capacity);
	memcpy(out, text, len);
	return len;
}

static unsigned parse_phase(const char *name)
{
	unsigned phase;

	for (phase = 1; phase < KT_PHASES; phase++)
		if (strcmp(name, kt_phases[phase]) == 0)
			return phase;
	phase = bb_strtou(name, NULL, 10);
	if (errno != 0 || phase == 0 || phase >= KT_PHASES)
		die_of_unknown_phase(name);
	return phase;
}

static uint32_t put_phase(uint8_t *out, const struct kt_type *type, char **data)
{
	if (!data[0] || (data[1] && data[2]))
		bb_error_msg_and_die("unable to send '%s': it takes a phase and an optional reason", type->name);
	out[0] = parse_phase(data[0]);
	return data[1] ? 1 + put_text(out + 1, KT_PAYLOAD_MAX - 1, type->name, data[1]) : 1;
}

/* All of stdin as one frame; dies when it is too long. */
static uint32_t put_stdin(struct kt_out *out, const char *name)
{
	ssize_t len = full_read(STDIN_FILENO, out->payload, KT_PAYLOAD_MAX);
	char more;

	if (len < 0)
		bb_simple_perror_msg_and_die("unable to read stdin");
	if (len == KT_PAYLOAD_MAX && safe_read(STDIN_FILENO, &more, 1) == 1)
		bb_error_msg_and_die("unable to send '%s': over %u bytes in one frame", name, KT_PAYLOAD_MAX);
	return len;
}

static uint32_t put_bytes(struct kt_out *out, const struct kt_type *type, char **data)
{
	if (data[0] && data[1])
		bb_error_msg_and_die("unable to send '%s': DATA is one argument, '%s' is too much", type->name, data[1]);
	if (!data[0])
		return 0;
	if (LONE_DASH(data[0]))
		return put_stdin(out, type->name);
	return put_text(out->payload, KT_PAYLOAD_MAX, type->name, data[0]);
}

static uint32_t put_addresses(uint8_t *out, const struct kt_type *type, char **data)
{
	size_t i;

	for (i = 0; i < KT_ADDRESS_COUNT; i++) {
		unsigned long long value = data[i] ? bb_strtoull(data[i], NULL, 0) : 0;

		if (!data[i] || errno != 0)
			bb_error_msg_and_die("unable to send '%s': it takes %u numbers, 0x for hexadecimal",
				type->name, KT_ADDRESS_COUNT);
		kt_put_u64(out + 8 * i, value);
	}
	if (data[i])
		bb_error_msg_and_die("unable to send '%s': it takes %u numbers", type->name, KT_ADDRESS_COUNT);
	return 8 * KT_ADDRESS_COUNT;
}

static uint32_t put_stamped(uint8_t *out, const struct kt_type *type, char **data)
{
	if (!data[0] || data[1])
		bb_error_msg_and_die("unable to send '%s': it takes one text", type->name);
	return kt_mark_encode(out, kt_now_ms(), data[0], strlen(data[0]));
}

static bool is_word(const char *text, const char *marks, size_t most)
{
	const char *c;

	for (c = text; isalnum(*c) || (*c && strchr(marks, *c)); c++)
		continue;
	return c > text && !*c && (size_t)(c - text) <= most;
}

/* The host takes no other: 12, -0.5, 1e9. */
static bool is_decimal(const char *text)
{
	char *end;

	if (!is_word(text, "+-.", KT_METRIC_VALUE_MAX) || strpbrk(text, "xXnN")) /* hexadecimal, inf, nan */
		return false;
	return isfinite(strtod(text, &end)) && !*end;
}

/* "NAME VALUE UNIT". What the host would not take is refused here, where its sender sees it. */
static uint32_t put_metric(uint8_t *out, const struct kt_type *type, char **data)
{
	char text[KT_METRIC_NAME_MAX + KT_METRIC_VALUE_MAX + KT_METRIC_UNIT_MAX + sizeof("  ")];
	const char *unit;
	int len;

	if (!data[0] || !data[1] || (data[2] && data[3]))
		bb_error_msg_and_die("unable to send '%s': it takes NAME VALUE [UNIT]", type->name);
	if (!isalpha(data[0][0]) || !is_word(data[0], "_.-", KT_METRIC_NAME_MAX))
		bb_error_msg_and_die("unable to send '%s': not a name (a letter, then letters, digits, _ . -, at most %u): %s",
			type->name, KT_METRIC_NAME_MAX, data[0]);
	if (!is_decimal(data[1]))
		bb_error_msg_and_die("unable to send '%s': not a decimal number: %s", type->name, data[1]);
	unit = data[2] ? data[2] : "count";
	if (!is_word(unit, "%/_.-", KT_METRIC_UNIT_MAX))
		bb_error_msg_and_die("unable to send '%s': not a unit (letters, digits, %% / _ . -, at most %u): %s",
			type->name, KT_METRIC_UNIT_MAX, unit);
	len = sprintf(text, "%s %s %s", data[0], data[1], unit);
	kt_put_u64(out, kt_now_ms());
	memcpy(out + KT_STAMP_LEN, text, len);
	return KT_STAMP_LEN + len;
}

static uint32_t put_payload(struct kt_out *out, const struct kt_type *type, char **data)
{
	switch (type->payload) {
	case KT_I32:
		return put_i32(out->payload, type, data);
	case KT_BYTES_SENT:
		if (data[0] && strcmp(data[0], "unknown") == 0)
			return 0;
		/* fall through */
	case KT_U64:
		return put_u64(out->payload, type, data);
	case KT_ADDRESSES:
		/* one argument is the payload as it stands, as for any type that is not a number */
		return data[0] && data[1] ? put_addresses(out->payload, type, data) : put_bytes(out, type, data);
	case KT_PHASE:
		return put_phase(out->payload, type, data);
	case KT_STAMPED:
		if (type->tag == KT_METRIC)
			return put_metric(out->payload, type, data);
		return put_stamped(out->payload, type, data);
	case KT_EMPTY:
		if (data[0])
			bb_error_msg_and_die("unable to send '%s': it takes no data", type->name);
		return 0;
	default:
		return put_bytes(out, type, data);
	}
}

static void send_or_die(int port, struct kt_out *out, const struct kt_type *type, uint32_t len)
{
	if (kt_port_send(port, out, type->tag, len) < 0)
		bb_perror_msg_and_die("unable to write frame '%s'", type->name);
}

/* TERM interrupts a read that waits, and a read that is about to wait finds O_NONBLOCK. So no TERM is lost; with a
 * variable that is checked before the read, one would be. */
static void on_term(int signo UNUSED_PARAM)
{
	int saved_errno = errno;

	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	errno = saved_errno;
}

static bool more_is_there(void)
{
	struct pollfd fd = { STDIN_FILENO, POLLIN, 0 };

	return poll(&fd, 1, 0) > 0;
}

/* As read(2), after a wait. /dev/kmsg gives one record per read, and the kernel overwrites those that are not read
 * in time: as many as are there go into one frame. EPIPE: it has overwritten some, and continues after them. */
static ssize_t read_stdin(struct kt_out *out, const struct kt_type *type)
{
	size_t used = 0;
	ssize_t len;

	if (type->tag != KT_KMSG)
		return safe_read(STDIN_FILENO, out->payload, KT_PAYLOAD_MAX);
	do {
		len = safe_read(STDIN_FILENO, out->payload + used, KT_PAYLOAD_MAX - used);
		if (len > 0)
			used += len;
	} while ((len > 0 && used <= KT_PAYLOAD_MAX - RECORD_MAX && more_is_there()) || (len < 0 && errno == EPIPE));
	return used > 0 ? (ssize_t)used : len;
}

static void send_stdin(int port, struct kt_out *out, const struct kt_type *type)
{
	ssize_t len;

	while ((len = read_stdin(out, type)) > 0)
		send_or_die(port, out, type, len);
	if (len < 0 && errno != EAGAIN)
		bb_simple_perror_msg_and_die("unable to read stdin");
}

static void send_text(int port, struct kt_out *out, const struct kt_type *type, const char *text)
{
	do {
		size_t len = strnlen(text, KT_PAYLOAD_MAX);

		memcpy(out->payload, text, len);
		send_or_die(port, out, type, len);
		text += len;
	} while (*text);
}

/* The most writes that a port's queue holds (QEMU: 128, hw/char/virtio-serial-bus.c; Firecracker: 256). When it
 * has accepted this many more, the host has taken all that was written before. */
enum { QUEUE_MAX = 256 };

static void pass_queue(int port, struct kt_out *out)
{
	const struct kt_type *barrier = kt_type_by_tag(KT_BARRIER);
	int i;

	for (i = 0; i < QUEUE_MAX; i++)
		send_or_die(port, out, barrier, 0);
}

static void send_stream(int port, struct kt_out *out, const struct kt_type *type, const char *data)
{
	if (LONE_DASH(data))
		send_stdin(port, out, type);
	else
		send_text(port, out, type, data);
}

/* The text of this frame's mark, malloc'ed; NULL: it gets none. */
static char *milestone(const struct kt_out *out, const struct kt_type *type, uint32_t len)
{
	switch (type->payload) {
	case KT_PHASE:
		return out->payload[0] < KT_PHASES ? xstrdup(kt_phases[out->payload[0]]) : NULL;
	case KT_EMPTY:
	case KT_I32:
	case KT_U64:
		return xstrdup(type->name);
	}
	if (type->tag == KT_SCHED_STATE)
		return xstrndup((const char *)out->payload, len);
	return type->tag == KT_INIT_ERROR ? xstrdup(type->name) : NULL;
}

/* fin gets no mark: it counts what was sent before it, so nothing may come in between. */
static void send_frame(int port, struct kt_out *out, const struct kt_type *type, uint32_t len)
{
	char *what = milestone(out, type, len);

	if (what)
		kt_port_mark(port, what, KT_NEVER, NULL);
	free(what);
	send_or_die(port, out, type, len);
}

int ktsend_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktsend_main(int argc UNUSED_PARAM, char **argv)
{
	enum { /* in the order of the option string */
		OPT_PATH = 1 << 0,
		OPT_LIST = 1 << 1,
		OPT_BARRIER = 1 << 2,
		OPT_DRAIN = 1 << 3,
	};
	struct kt_out *out = xmalloc(sizeof(*out));
	char *path = NULL;
	struct kt_type type;
	uint32_t len = 0;
	bool is_stream;
	int port;
	/* "+": what follows TYPE is data, even -1 */
	unsigned opts = getopt32(argv, "+p:lbd", &path);

	if (opts & OPT_LIST)
		return list_types();
	argv += optind;
	if (!argv[0])
		bb_show_usage();
	type = parse_type(argv[0]);
	argv++;
	is_stream = type.payload == KT_STREAM && argv[0] && !argv[1];
	if (!is_stream)
		len = put_payload(out, &type, argv);
	port = kt_port_open(path);
	if (opts & OPT_DRAIN)
		signal(SIGTERM, on_term);
	if (is_stream)
		send_stream(port, out, &type, argv[0]);
	else
		send_frame(port, out, &type, len);
	if (opts & OPT_BARRIER)
		pass_queue(port, out);
	if (path && port != STDOUT_FILENO)
		close(port);
	free(out);
	return EXIT_SUCCESS;
}
