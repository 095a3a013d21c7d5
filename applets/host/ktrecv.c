/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktrecv: read a frame stream.
 *
 * In:   a saved or growing stream: FILE, or stdin. It is not trusted.
 * Out:  the payload's stdout and stderr on ktrecv's own, and the guest's trace_printk lines, prefixed, on
 *       stderr; with -d also the files stdout, stderr, sched.log (all logs), sched-1.log, sched-2.log,
 *       ... (one block each), dump-1.txt, ... (one sched_ext dump each), dmesg, printk, kmsg, history, stats,
 *       stream.json in DIR, and the guest's files in DIR/get; with -j one JSON object per frame instead.
 * Ends: at the exit frame (the rest is ignored), or at the end of the stream. -f waits for more (by inotify)
 *       until the exit frame; at TERM or INT it reads the rest of the file and ends.
 * Exit: 0 exit frame and no damage; 1 no exit frame; 2 damage; 3 bad usage; 4 FILE or DIR can't be read
 *       or written; 5 stdout, 6 stderr can't be written, all else is done. A reader that leaves is no error.
 */
//config:config KTRECV
//config:	bool "ktrecv"
//config:	default y
//config:	help
//config:	Read a frame stream, live or saved: print the payload's output, write
//config:	its parts into a directory, or print a JSON object per frame. This is
//config:	the host's side; the guest's stream is not trusted.

//applet:IF_KTRECV(APPLET(ktrecv, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTRECV) += ktrecv.o

//usage:#define ktrecv_trivial_usage
//usage:       "[-d DIR [-m BYTES]] [--plain] [-j] [-f [--progress]] [FILE]"
//usage:#define ktrecv_full_usage "\n\n"
//usage:       "Read a frame stream; print the payload's stdout and stderr\n"
//usage:     "\n	-d DIR	Also write its parts and stream.json into DIR"
//usage:     "\n	-m BYTES	Leave out what is beyond BYTES in sched-N.log, dump-N.txt and get/"
//usage:     "\n	--plain	Write dumps without the trace's prefix"
//usage:     "\n	-j	Print one JSON object per frame instead"
//usage:     "\n	-f	Follow a growing FILE until the exit frame or TERM"
//usage:     "\n	--progress	Show a status line on stderr, which is a terminal"

#include <poll.h>
#include <sys/inotify.h>
#include "artifacts.h"
#include "json.h"
#include "process.h"
#include "progress.h"

enum { EXIT_NO_EXIT_FRAME = 1, EXIT_DAMAGE = 2, EXIT_USAGE = 3, EXIT_IO = 4, EXIT_STDOUT = 5, EXIT_STDERR = 6 };
enum { READ_SIZE = 256 * 1024 };
enum { DAMAGES_REPORTED = 20 }; /* a hostile stream can have one per 17 bytes: the others are only counted */

struct receiver {
	struct kt_reader reader;
	struct kt_run_result result;
	struct kt_artifacts artifacts;
	struct kt_progress progress;
	bool json;
	bool in_printk_line;
	bool stdout_gone, stderr_gone; /* nothing more is written to them */
	int output_error; /* EXIT_STDOUT or EXIT_STDERR: the first that can't be written */
};

/* The rest of the stream is still decoded: the files are worth more than this copy. */
static void print_raw(struct receiver *r, int fd, bool *gone, const struct kt_frame *frame)
{
	if (*gone || full_write(fd, frame->payload, frame->length) == (ssize_t)frame->length)
		return;
	*gone = true;
	if (errno == EPIPE)
		return;
	bb_perror_msg("unable to write '%s'", fd == STDOUT_FILENO ? "stdout" : "stderr");
	if (!r->output_error)
		r->output_error = fd == STDOUT_FILENO ? EXIT_STDOUT : EXIT_STDERR;
}

static void on_output(struct receiver *r, const struct kt_frame *frame)
{
	bool is_stdout = frame->tag == KT_STDOUT;

	kt_artifacts_append(&r->artifacts, is_stdout ? "stdout" : "stderr", frame->payload, frame->length);
	*(is_stdout ? &r->result.stdout_bytes : &r->result.stderr_bytes) += frame->length;
	if (r->json)
		return;
	kt_progress_erase(&r->progress);
	if (isatty(is_stdout ? STDOUT_FILENO : STDERR_FILENO))
		kt_progress_wrote(&r->progress, frame->payload, frame->length);
	if (is_stdout)
		print_raw(r, STDOUT_FILENO, &r->stdout_gone, frame);
	else
		print_raw(r, STDERR_FILENO, &r->stderr_gone, frame);
}

static void print_opening(const struct kt_frame *frame, const char *crc)
{
	const struct kt_type *type = kt_type_by_tag(frame->tag);

	printf("{\"offset\":%llu,\"type\":", (unsigned long long)frame->offset);
	if (!frame->has_header)
		printf("null,\"length\":null");
	else if (type)
		printf("\"%s\",\"length\":%u", type->name, (unsigned)frame->length);
	else
		printf("\"0x%08x\",\"length\":%u", (unsigned)frame->tag, (unsigned)frame->length);
	printf(",\"crc\":\"%s\"", crc);
}

static void print_phase(const struct kt_frame *frame)
{
	unsigned phase = frame->payload[0];

	if (phase > 0 && phase < KT_PHASES)
		printf(",\"phase\":\"%s\"", kt_phases[phase]);
	else
		printf(",\"phase\":%u", phase);
	if (frame->length > 1) {
		printf(",\"reason\":");
		kt_json_string(stdout, frame->payload + 1, frame->length - 1);
	}
}

static void print_addresses(const struct kt_frame *frame)
{
	size_t i;

	printf(",\"addresses\":[");
	for (i = 0; i < KT_ADDRESS_COUNT; i++)
		printf("%s\"0x%llx\"", i ? "," : "", (unsigned long long)kt_get_u64(frame->payload + 8 * i));
	putchar(']');
}

static void print_bytes(const uint8_t *bytes, size_t len)
{
	if (kt_is_utf8(bytes, len)) {
		printf(",\"text\":");
		kt_json_string(stdout, bytes, len);
	} else {
		printf(",\"base64\":");
		kt_json_base64(stdout, bytes, len);
	}
}

static void print_payload(const struct kt_frame *frame, const struct kt_type *type)
{
	switch (type ? type->payload : KT_OPAQUE) {
	case KT_I32:
		printf(",\"code\":%d", (int)(int32_t)kt_get_u32(frame->payload));
		break;
	case KT_U64:
		printf(",\"elapsed_ms\":%llu", (unsigned long long)kt_get_u64(frame->payload));
		break;
	case KT_BYTES_SENT:
		if (frame->length)
			printf(",\"bytes_sent\":%llu", (unsigned long long)kt_get_u64(frame->payload));
		break;
	case KT_ADDRESSES:
		if (frame->length == 8 * KT_ADDRESS_COUNT)
			print_addresses(frame);
		else
			print_bytes(frame->payload, frame->length);
		break;
	case KT_PHASE:
		print_phase(frame);
		break;
	case KT_EMPTY:
		break;
	case KT_STAMPED:
		printf(",\"ms\":%llu", (unsigned long long)kt_get_u64(frame->payload));
		print_bytes(frame->payload + KT_STAMP_LEN, frame->length - KT_STAMP_LEN);
		break;
	case KT_NUMBERED:
		printf(",\"number\":%u", (unsigned)kt_get_u32(frame->payload));
		print_bytes(frame->payload + KT_NUMBER_LEN, frame->length - KT_NUMBER_LEN);
		break;
	default:
		print_bytes(frame->payload, frame->length);
	}
}

static void print_json(const struct kt_frame *frame, const struct kt_type *type, bool well_formed)
{
	print_opening(frame, "ok");
	if (well_formed)
		print_payload(frame, type);
	else
		printf(",\"malformed\":true");
	printf("}\n");
}

/* Counts it. True when it is to be reported. */
static bool count_damage(struct receiver *r, const struct kt_frame *frame)
{
	r->result.damaged++;
	r->result.damaged_bytes += frame->size;
	if (r->result.damaged == DAMAGES_REPORTED + 1)
		bb_error_msg("damage at more than %d places: from here on it is only counted", DAMAGES_REPORTED);
	return r->result.damaged <= DAMAGES_REPORTED;
}

/* Prints numbers and our own names only: the guest's text could control the terminal. */
static void on_damage(struct receiver *r, const struct kt_frame *frame)
{
	kt_progress_erase(&r->progress);
	if (count_damage(r, frame))
		bb_error_msg("damage at offset %llu: %llu bytes are no frame",
			(unsigned long long)frame->offset, (unsigned long long)frame->size);
	if (r->json) {
		print_opening(frame, "bad");
		printf(",\"skipped\":%llu}\n", (unsigned long long)frame->size);
	}
}

static void on_truncation(struct receiver *r, const struct kt_frame *frame)
{
	kt_progress_erase(&r->progress);
	r->result.truncated = true;
	bb_error_msg("the stream ends within a frame, at offset %llu", (unsigned long long)frame->offset);
	if (r->json) {
		print_opening(frame, "truncated");
		printf(",\"skipped\":%llu}\n", (unsigned long long)frame->size);
	}
}

static void on_malformed(struct receiver *r, const struct kt_frame *frame, const struct kt_type *type)
{
	kt_progress_erase(&r->progress);
	if (count_damage(r, frame))
		bb_error_msg("malformed frame '%s' at offset %llu: %u bytes of payload",
			type->name, (unsigned long long)frame->offset, (unsigned)frame->length);
}

/* Prints guest text on stderr as it arrives, prefixed and with control characters replaced. */
static void print_marked(bool *in_line, const uint8_t *bytes, size_t len)
{
	static const char mark[] = "printk| ";
	char text[4096];
	size_t used = 0;

	for (; len > 0; bytes++, len--) {
		if (used > sizeof(text) - sizeof(mark)) {
			full_write(STDERR_FILENO, text, used);
			used = 0;
		}
		if (!*in_line)
			used = stpcpy(text + used, mark) - text;
		*in_line = *bytes != '\n';
		text[used++] = *bytes == '\n' || *bytes == '\t' || (*bytes >= ' ' && *bytes < 0x7f) ? *bytes : '?';
	}
	full_write(STDERR_FILENO, text, used);
}

static void on_printk(struct receiver *r, const struct kt_frame *frame)
{
	kt_artifacts_append(&r->artifacts, "printk", frame->payload, frame->length);
	if (!r->json)
		print_marked(&r->in_printk_line, frame->payload, frame->length);
}

static void store_frame(struct receiver *r, const struct kt_frame *frame)
{
	switch (frame->tag) {
	case KT_STDOUT:
	case KT_STDERR:
		on_output(r, frame);
		break;
	case KT_SCHED_LOG:
		kt_artifacts_sched_log(&r->artifacts, &r->result, frame);
		break;
	case KT_SCHED_LIVE:
		kt_artifacts_sched_live(&r->artifacts, &r->result, frame);
		break;
	case KT_HISTORY:
		kt_artifacts_append(&r->artifacts, "history", frame->payload + KT_NUMBER_LEN,
			frame->length - KT_NUMBER_LEN);
		break;
	case KT_PRINTK:
		on_printk(r, frame);
		break;
	case KT_KMSG:
		kt_artifacts_append(&r->artifacts, "kmsg", frame->payload, frame->length);
		break;
	case KT_DMESG:
		kt_artifacts_append(&r->artifacts, "dmesg", frame->payload, frame->length);
		break;
	case KT_FILE:
	case KT_FILE_DATA:
	case KT_FILE_END:
		kt_guest_files_frame(&r->artifacts.files, &r->result.files, frame);
		break;
	case KT_STATS:
	case KT_METRIC:
		kt_artifacts_stats(&r->artifacts, frame);
		break;
	case KT_SCX_DUMP:
		kt_artifacts_dump(&r->artifacts, frame);
		break;
	}
}

static void on_frame(struct receiver *r, const struct kt_frame *frame)
{
	const struct kt_type *type = kt_type_by_tag(frame->tag);
	bool well_formed = !type || kt_frame_is_well_formed(type, frame);

	r->result.frames++;
	if (r->json)
		print_json(frame, type, well_formed);
	if (!type) {
		r->result.unknown_frames++;
		return;
	}
	if (!well_formed) {
		on_malformed(r, frame, type);
		return;
	}
	kt_result_frame(&r->result, frame);
	kt_progress_frame(&r->progress, frame);
	store_frame(r, frame);
}

/* Handles the frames in the bytes read so far. True at the exit frame and at the end of the stream. */
static bool handle_frames(struct receiver *r)
{
	struct kt_frame frame;

	for (;;) {
		switch (kt_reader_next(&r->reader, &frame)) {
		case KT_MORE:
			if (r->json)
				fflush_all();
			return false;
		case KT_END:
			return true;
		case KT_FRAME:
			on_frame(r, &frame);
			if (!r->result.exit_code.known)
				break;
			r->result.bytes = frame.offset + frame.size; /* not those that were read after it */
			return true;
		case KT_DAMAGE:
			on_damage(r, &frame);
			break;
		case KT_TRUNCATED:
			on_truncation(r, &frame);
			break;
		}
	}
}

/* Waits until the file has grown; false at TERM or INT. */
static bool wait_for_growth(struct receiver *r, struct pollfd *fds)
{
	char events[4096] ALIGNED(sizeof(struct inotify_event));

	if (poll(fds, 2, kt_poll_timeout(kt_progress_next_ms(&r->progress))) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	if (fds[0].revents)
		return false;
	while (read(fds[1].fd, events, sizeof(events)) > 0)
		continue;
	return true;
}

static void open_watches(struct pollfd *fds, const char *name)
{
	fds[0] = (struct pollfd){ kt_signals_open(SIGTERM, SIGINT, 0), POLLIN, 0 };
	fds[1] = (struct pollfd){ inotify_init1(IN_CLOEXEC | IN_NONBLOCK), POLLIN, 0 };
	if (fds[1].fd < 0 || inotify_add_watch(fds[1].fd, name, IN_MODIFY) < 0)
		bb_perror_msg_and_die("unable to watch '%s'", name);
}

static void read_stream(struct receiver *r, int fd, const char *name, bool follow)
{
	struct pollfd fds[2];
	uint8_t *space;
	size_t size;

	if (follow)
		open_watches(fds, name);
	while (!handle_frames(r)) {
		ssize_t len;

		space = kt_reader_space(&r->reader, &size);
		len = safe_read(fd, space, MIN(size, (size_t)READ_SIZE));
		if (len < 0)
			bb_perror_msg_and_die("unable to read '%s'", name);
		if (len > 0) {
			kt_reader_filled(&r->reader, len);
			r->result.bytes += len;
		} else if (!follow) {
			kt_reader_eof(&r->reader);
		} else {
			kt_progress_show(&r->progress);
			follow = wait_for_growth(r, fds);
		}
	}
	kt_progress_erase(&r->progress);
}

static int verdict_of(const struct kt_run_result *result)
{
	if (result->damaged)
		return EXIT_DAMAGE;
	return result->exit_code.known ? EXIT_SUCCESS : EXIT_NO_EXIT_FRAME;
}

int ktrecv_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktrecv_main(int argc UNUSED_PARAM, char **argv)
{
	enum { /* in the order of the option string */
		OPT_DIR = 1 << 0,
		OPT_JSON = 1 << 1,
		OPT_FOLLOW = 1 << 2,
		OPT_SPACE = 1 << 3,
		OPT_PLAIN = 1 << 4,
		OPT_PROGRESS = 1 << 5,
	};
	struct receiver *r = xzalloc(sizeof(*r));
	const char *name = "-";
	uint64_t most = UINT64_MAX;
	char *dir = NULL, *space = NULL;
	unsigned opts;
	int fd;

	xfunc_error_retval = EXIT_USAGE;
	opts = getopt32long(argv, "^d:jfm:\0?1", "plain\0" No_argument "\xff" "progress\0" No_argument "\xfe", &dir, &space);
	if (space)
		most = xatoull(space);
	xfunc_error_retval = EXIT_IO;
	if (argv[optind])
		name = argv[optind];
	fd = LONE_DASH(name) ? STDIN_FILENO : kt_xopen(name, O_RDONLY);
	signal(SIGPIPE, SIG_IGN); /* the reader of stdout may leave; the files are written nevertheless */
	r->json = opts & OPT_JSON;
	if (opts & OPT_PROGRESS)
		kt_progress_start(&r->progress);
	kt_artifacts_open(&r->artifacts, dir, opts & OPT_PLAIN, most);
	kt_reader_init(&r->reader, xmalloc(KT_WINDOW_SIZE), xmalloc(KT_CHECKPOINTS * sizeof(uint32_t)));
	read_stream(r, fd, name, (opts & OPT_FOLLOW) && fd != STDIN_FILENO);
	kt_artifacts_result(&r->artifacts, &r->result);
	fflush_all();
	if (ferror(stdout) && errno != EPIPE)
		bb_simple_perror_msg_and_die("unable to write 'stdout'");
	return r->output_error ? r->output_error : verdict_of(&r->result);
}
