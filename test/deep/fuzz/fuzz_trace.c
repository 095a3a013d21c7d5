/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktpipe's scanner (applets/wire/scx_dump_scan.c) and the removal of the trace's prefixes (applets/wire/trace_prefix.c)
 * against a model of this file's own, which has the whole trace at once and goes through it line by line.
 *
 * In:  control bytes, then a trace. Even first byte: the rest is the trace as it is. Odd: the rest is a list
 *      of commands that make one, of markers and parts of them, other bytes, and very long lines. The second
 *      byte seeds the sizes of the pieces that the trace is fed in; odd: a counter's name was learnt.
 * Out: an abort where the model and the scanner differ, with the trace in one piece or in many: a dump's
 *      start not at its marker, another end, type, number, reason or count, other bytes of the dump; text of
 *      a line lost or changed with its prefix.
 */
#include "input.h"
#include "scx_dump_end.h"
#include "trace_prefix.h"

enum { TRACE_MAX = 8192, DUMPS_MAX = TRACE_MAX / 16, TEXT_MAX = 512 };

/* A dump as the model has it: its start, where that can be known, its end, and what it says of itself */
struct dump {
	size_t from, known_at, end;
	char text[TEXT_MAX];
};

struct model {
	unsigned started, ended;
	bool cut_off; /* the last dump has no end */
	/* Of the newest dump */
	const char *type;
	int kind;
	char reason[KT_DUMP_REASON_MAX];
	bool reason_next, cpus_seen;
	unsigned long long lost, lines;
};

/* What has come of the scanner so far */
struct result {
	struct kt_dump_scan scan;
	unsigned started, ended;
	char sent[TRACE_MAX];
	size_t sent_len;
};

static char trace[TRACE_MAX];
static size_t trace_len;
static const char *last_counter;
static struct model model;
static struct dump dumps[DUMPS_MAX];

static void expect(bool holds, const char *what, size_t at)
{
	if (holds)
		return;
	fprintf(stderr, "the scanner and the model differ at %zu of %zu bytes: %s\n", at, trace_len, what);
	abort();
}

static void model_start(size_t from, size_t known_at)
{
	struct dump *dump = &dumps[model.started++];

	dump->from = from;
	dump->known_at = known_at;
	model.type = "unknown";
	model.kind = 0;
	model.reason[0] = '\0';
	model.reason_next = false;
	model.cpus_seen = model.lost > 0;
	model.lines = 0;
}

static void model_end(size_t end, const char *rule)
{
	struct dump *dump = &dumps[model.ended++];
	bool complete = strcmp(rule, "counter") == 0 && model.lost == 0;

	dump->end = end;
	snprintf(dump->text, TEXT_MAX, "number=%u type=%s kind=%d complete=%d rule=%s bytes=%zu lines=%llu"
		" lost=%llu unsent=0 reason=%s", model.ended, model.type, model.kind, complete, rule,
		end - dump->from, model.lines, model.lost, model.reason);
	model.lost = 0;
}

/* Behind the words' first place in the text; NULL when there is none. */
static const char *after(const char *text, const char *words)
{
	const char *at = strstr(text, words);

	return at ? at + strlen(words) : NULL;
}

/* The trace's own line, which no dump has written */
static void model_trace_line(const char *line)
{
	const char *lost = after(line, "[LOST ");

	if (strncmp(line, "CPU:", 4) != 0 || !lost)
		return;
	model.lost += MAX(strtoull(lost, NULL, 10), 1ull);
	model.cpus_seen = true;
}

static void model_dump_line(const char *text)
{
	const char *kind = after(text, "triggered exit kind ");

	text += *text == ' ';
	if (model.reason_next) {
		snprintf(model.reason, sizeof(model.reason), "%s", skip_whitespace(text));
		model.reason_next = false;
	} else if (strcmp(model.type, "unknown") == 0 && kind) {
		model.type = "error";
		model.kind = (int)strtol(kind, NULL, 10);
		model.reason_next = true;
	} else if (strcmp(model.type, "unknown") == 0 && strstr(text, "Debug dump triggered by ")) {
		model.type = "sysrq";
	}
	model.cpus_seen |= strncmp(text, "CPU states", 10) == 0;
}

/* The same for a part of the trace, which may have NULs: the place in it; 0 when there is none. */
static size_t behind(const char *words, size_t from, size_t to)
{
	const char *at = memmem(trace + from, to - from, words, strlen(words));

	return at ? at - trace + strlen(words) : 0;
}

/* What stands in front of the marker, a task's name among it, ends no dump: as far as the scanner can tell,
 * which keeps all of a line but of a very long one. */
static void look_for_markers(size_t from, size_t to, bool last, const char **rule)
{
	size_t known_at = behind("sched_ext_dump:", from, to);

	if (model.started == model.ended && known_at > 0)
		model_start(from, known_at);
	if (*rule)
		return;
	if (last)
		from = MAX(from, known_at);
	if (behind(last_counter, from, to) > 0)
		*rule = "counter";
	else if (behind("~~~~ TRUNCATED ~~~~", from, to) > 0)
		*rule = "truncated";
}

/* What the line says, by the last stretch of it */
static void model_line(size_t from, size_t end, const char *rule)
{
	bool open = model.started > model.ended;
	size_t marker = behind("sched_ext_dump:", from, end);
	char line[KT_DUMP_LINE_MAX];

	memcpy(line, trace + from, end - from);
	line[end - from] = '\0';
	if (marker == 0)
		model_trace_line(line);
	else if (open)
		model_dump_line(line + (marker - from));
	model.lines += open;
	if (open && rule)
		model_end(end + 1, rule);
}

/* A line is looked at in stretches: its first bytes, as many as the scanner keeps of a line, then each time
 * the newest of these and what follows. */
static void model_stretches(size_t from, size_t end)
{
	const char *rule = NULL;
	size_t to;

	for (;; from = to - KT_DUMP_LINE_OVERLAP) {
		to = MIN(end, from + KT_DUMP_LINE_MAX - 1);
		look_for_markers(from, to, to == end, &rule);
		if (to == end)
			break;
	}
	if (end < trace_len) /* else it has no newline, and says nothing yet */
		model_line(from, end, rule);
}

static size_t line_end(size_t from)
{
	const char *newline = memchr(trace + from, '\n', trace_len - from);

	return newline ? (size_t)(newline - trace) : trace_len;
}

static void make_model(void)
{
	size_t from, end;

	memset(&model, 0, sizeof(model));
	for (from = 0; from < trace_len; from = end + 1) {
		end = line_end(from);
		model_stretches(from, end);
	}
	model.cut_off = model.started > model.ended;
	if (model.cut_off)
		model_end(trace_len, "none");
}

static void keep(struct result *result, const char *bytes, size_t len)
{
	expect(len <= TRACE_MAX - result->sent_len, "more bytes of a dump than there are", 0);
	memcpy(result->sent + result->sent_len, bytes, len);
	result->sent_len += len;
}

/* By the bytes in [from, to). */
static void compare_start(struct result *result, size_t from, size_t to)
{
	const struct dump *dump = &dumps[result->started++];

	expect(result->started <= model.started, "a start that is none", to);
	expect(from < dump->known_at && dump->known_at <= to, "a start too early or too late", to);
	result->sent_len = 0;
}

static void compare_end(struct result *result, size_t at)
{
	const struct dump *dump = &dumps[result->ended++];
	char *text = kt_dump_end_text(&result->scan, 0);

	expect(result->ended <= model.ended && at == dump->end, "an end that is none", at);
	if (strcmp(text, dump->text) != 0)
		fprintf(stderr, "%s\n%s\n", text, dump->text);
	expect(strcmp(text, dump->text) == 0, "the dump is told of otherwise", at);
	expect(result->sent_len == at - dump->from, "another length of the dump", at);
	expect(memcmp(result->sent, trace + dump->from, result->sent_len) == 0, "other bytes of it", at);
	result->scan.lost = 0; /* as ktpipe does */
	free(text);
}

/* One piece, as ktpipe scans what it has read. */
static void feed(struct result *result, size_t at, size_t end)
{
	while (at < end) {
		bool was_open = result->scan.open;
		enum kt_dump_event event;
		size_t taken = kt_dump_scan(&result->scan, trace + at, end - at, &event);

		expect(taken > 0 && taken <= end - at, "it takes nothing, or too much", at);
		if (event == KT_DUMP_STARTED) {
			compare_start(result, at, at + taken);
			keep(result, result->scan.line, result->scan.len);
		} else if (was_open) {
			keep(result, trace + at, taken);
		}
		at += taken;
		if (event == KT_DUMP_ENDED)
			compare_end(result, at);
	}
}

/* Half of the pieces end before a newline: what is known of the line by then must not matter. */
static size_t piece_at(size_t at, uint32_t *seed)
{
	size_t size = next_size(seed, trace_len - at);
	size_t end = line_end(at);

	return *seed >> 15 & 1 && end > at ? end - at : size;
}

static void check_scan(uint32_t seed, bool whole, bool learnt)
{
	static struct result result;
	size_t at, size;

	memset(&result, 0, sizeof(result));
	if (learnt)
		kt_dump_learn(&result.scan, "SCX_EV_FIRST 3\nSCX_EV_LAST 0\n");
	for (at = 0; at < trace_len; at += size) {
		size = whole ? trace_len : piece_at(at, &seed);
		feed(&result, at, at + size);
	}
	expect(result.scan.open == model.cut_off, "another opinion of the last dump", at);
	expect(kt_dump_may_end_quietly(&result.scan) == (model.cut_off && !learnt && model.cpus_seen),
		"another opinion of a quiet end", at);
	if (model.cut_off) {
		kt_dump_end(&result.scan, KT_RULE_NONE);
		compare_end(&result, trace_len);
	}
	expect(result.started == model.started && result.ended == model.ended, "dumps are left out", at);
}

/* Of each line what follows the first name, if it stands in its head; what may still get one is kept back. */
static size_t model_strip(char *text)
{
	size_t from, end, at, len = 0;

	for (from = 0; from < trace_len; from = end) {
		end = MIN(line_end(from) + 1, trace_len);
		at = behind("sched_ext_dump: ", from, MIN(end, from + KT_PREFIX_MAX));
		if (at == 0 && trace[end - 1] != '\n' && end - from < KT_PREFIX_MAX)
			break;
		at = MAX(at, from);
		memcpy(text + len, trace + at, end - at);
		len += end - at;
	}
	return len;
}

static void check_strip(uint32_t seed)
{
	static char text[TRACE_MAX + KT_PREFIX_MAX], wanted[TRACE_MAX];
	struct kt_trace_prefix prefix = { .len = 0 };
	size_t at, size, given, len = 0;

	for (at = 0; at < trace_len; at += size) {
		size = piece_at(at, &seed);
		given = kt_trace_prefix_strip(&prefix, trace + at, size, text + len);
		expect(given <= size + KT_PREFIX_MAX, "more text than there is room for", at);
		len += given;
	}
	expect(len == model_strip(wanted) && memcmp(text, wanted, len) == 0, "other plain text", at);
}

static void add(const char *bytes, size_t len)
{
	len = MIN(len, TRACE_MAX - trace_len);
	memcpy(trace + trace_len, bytes, len);
	trace_len += len;
}

static void add_words(struct list *list)
{
	static const char *const words[] = {
		"sched_ext_dump: ", "  init-1     [001] d..1.     4.639654: sched_ext_dump: ",
		"triggered exit kind 1025", "Debug dump triggered by sysrq-D", "CPU states",
		"SCX_EV_SUB_BYPASS_DISPATCH", "SCX_EV_LAST", "~~~~ TRUNCATED ~~~~",
		"CPU:0 [LOST 14988 EVENTS]", "CPU:1 [LOST EVENTS]",
	};
	const char *text = words[next_byte(list) % ARRAY_SIZE(words)];

	add(text, strlen(text));
}

static void add_raw(struct list *list)
{
	size_t len;
	const uint8_t *bytes = next_bytes(list, &len);

	add((const char *)bytes, len);
}

/* Makes the last line as long as one of the limits, but for a byte or two. */
static void add_filling(struct list *list)
{
	static const size_t limits[] = {
		KT_PREFIX_MAX, KT_DUMP_LINE_MAX, 2 * KT_DUMP_LINE_MAX - KT_DUMP_LINE_OVERLAP
	};
	const char *newline = memrchr(trace, '\n', trace_len);
	size_t from = newline ? newline + 1 - trace : 0;
	size_t to = from + limits[next_byte(list) % ARRAY_SIZE(limits)] - next_byte(list) % 4;

	while (trace_len < MIN(to, TRACE_MAX))
		trace[trace_len++] = '.';
}

static void make_trace(struct list *list)
{
	size_t lost;

	while (list->len > 0)
		switch (next_byte(list) % 8) {
		case 0:
		case 1:
		case 2:
			add_words(list);
			break;
		case 3: /* the end is lost */
			lost = next_byte(list) % 16;
			trace_len -= MIN(trace_len, lost);
			break;
		case 4:
			add_raw(list);
			break;
		case 5:
			add_filling(list);
			break;
		default:
			add("\n", 1);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct list list = { bytes + 2, len - 2 };
	bool learnt;

	if (len < 2)
		return 0;
	trace_len = 0;
	if (bytes[0] & 1)
		make_trace(&list);
	else
		add((const char *)list.bytes, list.len);
	learnt = bytes[1] & 1;
	last_counter = learnt ? "SCX_EV_LAST" : "SCX_EV_SUB_BYPASS_DISPATCH";
	make_model();
	check_scan(0, true, learnt);
	check_scan(bytes[1], false, learnt);
	check_strip(bytes[1]);
	return 0;
}
