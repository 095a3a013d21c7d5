/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds where a sched_ext dump starts and ends in a trace, whose it is, and its type, kind and reason.
 *
 * In:  the bytes of trace_pipe, cut anywhere.
 * Out: started, ended, and resumed when the end was an imitation; what the dump says of itself; its numbers.
 *
 * Source: scx_dump_state() in kernel/sched/ext.c, and the samples in test/data. Each line has the tracepoint's name.
 * The head (name, type, reason, backtrace) comes first; then what the scheduler prints in ops.dump(), in the first
 * column as the kernel's own headings, so it can imitate all of them; then the CPUs; last the event counters, in the
 * order of root/events (6.15 and later). So the head counts by its place only; and a dump is over after its
 * counters only if no more lines follow, other than the start of another dump.
 */
//kbuild:lib-y += scx_dump_scan.o
//kbuild:CFLAGS_scx_dump_scan.o := -O2

#include "scx_dump_scan.h"

static const char marker[] = ": sched_ext_dump:";
static const char default_counter[] = "SCX_EV_SUB_BYPASS_DISPATCH";
static const char kind_words[] = "triggered exit kind ";
static const char sysrq_words[] = "Debug dump triggered by ";

const char *const kt_dump_rules[] = { "none", "counter", "quiet", "state" };
const char *const kt_dump_types[] = { "unknown", "error", "sysrq" };

enum { /* of a dump: which line is next */
	PART_FIRST, /* the scheduler's name; before 7.1 the type */
	PART_TYPE,
	PART_REASON,
	PART_MESSAGE, /* the rest of an exit message of several lines, up to PART_TITLE */
	PART_TITLE, /* "Backtrace:", after an empty line */
	PART_BODY,
};
enum { SECTION_NONE, SECTION_BLANK, SECTION_COUNTERS };

/* The text of a line that the tracepoint has written; NULL for another. A task's name, which precedes the marker in
 * the line, is shorter than the marker. */
static const char *dump_text(const char *line)
{
	const char *text = strstr(line, marker);

	if (!text)
		return NULL;
	text += sizeof(marker) - 1;
	return text + (*text == ' ');
}

static void start_dump(struct kt_dump_scan *scan)
{
	scan->open = true;
	scan->number++;
	scan->type = KT_DUMP_UNKNOWN;
	scan->rule = KT_RULE_NONE;
	scan->kind = 0;
	scan->name[0] = scan->cgroup[0] = scan->reason[0] = '\0';
	scan->sub = 0;
	scan->first.known = false;
	scan->part = PART_FIRST;
	scan->section = SECTION_NONE;
	scan->bytes = scan->lines = 0;
	scan->lost = scan->lost_between;
	scan->lost_between = scan->lost_or_words = 0;
	scan->cpus_seen = scan->lost > 0;
}

static void resume_dump(struct kt_dump_scan *scan)
{
	scan->open = true;
	scan->rule = KT_RULE_NONE;
	scan->section = SECTION_NONE;
	scan->lost += scan->lost_between;
	scan->lost_between = 0;
}

/* "CPU:0 [LOST 14988 EVENTS]", a line of the trace itself; 0: another line. Without a number at least one event is
 * lost. */
static uint64_t lost_events(const char *line)
{
	const char *rest = is_prefixed_with(line, "CPU:");
	char *after;
	uint64_t count;

	if (!rest || !isdigit(*rest))
		return 0;
	rest = is_prefixed_with(rest + strspn(rest, "0123456789"), " [LOST ");
	if (!rest)
		return 0;
	count = strtoull(rest, &after, 10);
	if (after > rest && *after++ != ' ')
		return 0;
	return strcmp(after, "EVENTS]") == 0 ? MAX(count, (uint64_t)1) : 0;
}

static void count_lost(struct kt_dump_scan *scan, uint64_t count)
{
	if (!scan->open) {
		scan->lost_between += count;
		return;
	}
	if (scan->part >= PART_MESSAGE && scan->part < PART_BODY)
		scan->lost_or_words += count;
	else
		scan->lost += count;
	scan->cpus_seen = true;
	scan->section = SECTION_COUNTERS; /* the heading may be among what is lost */
}

/* "NAME: root" or "NAME: sub1-28 /a": fills what is not NULL in. */
static bool read_name(const char *text, char *name, uint64_t *sub, char *cgroup)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	const char *whose = is_prefixed_with(text + len, ": ");
	char *path;
	uint64_t id;

	if (len == 0 || len >= KT_DUMP_NAME_MAX || !whose)
		return false;
	if (name)
		safe_strncpy(name, text, len + 1);
	if (strcmp(whose, "root") == 0)
		return true;
	whose = is_prefixed_with(whose, "sub");
	if (!whose || !isdigit(*whose))
		return false;
	whose += strspn(whose, "0123456789");
	if (*whose != '-' || !isdigit(whose[1]))
		return false;
	id = strtoull(whose + 1, &path, 10);
	if (*path != ' ')
		return false;
	if (sub)
		*sub = id;
	if (cgroup)
		safe_strncpy(cgroup, path + 1, KT_DUMP_CGROUP_MAX);
	return true;
}

/* The last place of the words: a task's name may precede them, and imitate a part of them. NULL: not there. */
static const char *exit_kind_of(const char *text)
{
	const char *at = text, *found = NULL;

	while ((at = strstr(at, kind_words)) != NULL)
		found = at += sizeof(kind_words) - 1;
	return found && isdigit(*found) ? found : NULL;
}

static enum kt_dump_type type_of(const char *text)
{
	if (is_prefixed_with(text, sysrq_words))
		return KT_DUMP_SYSRQ;
	return exit_kind_of(text) ? KT_DUMP_ERROR : KT_DUMP_UNKNOWN;
}

static void read_type(struct kt_dump_scan *scan, const char *text)
{
	const char *kind = exit_kind_of(text);

	scan->type = type_of(text);
	scan->part = scan->type == KT_DUMP_ERROR ? PART_REASON : PART_BODY;
	if (scan->type == KT_DUMP_ERROR && kind)
		scan->kind = (int)strtol(kind, NULL, 10);
}

static void add_to_reason(struct kt_dump_scan *scan, const char *text)
{
	size_t len = strlen(scan->reason);

	if (len > 0 && len < KT_DUMP_REASON_MAX - 1 && text[0])
		scan->reason[len++] = ' ';
	safe_strncpy(scan->reason + len, text, KT_DUMP_REASON_MAX - len);
}

static void read_first(struct kt_dump_scan *scan, const char *text)
{
	bool has_name = read_name(text, scan->name, &scan->sub, scan->cgroup);

	if (!has_name)
		scan->name[0] = '\0';
	if (scan->lost == 0) {
		scan->names_known = true;
		scan->has_names = has_name;
	}
	if (has_name)
		scan->part = PART_TYPE;
	else
		read_type(scan, text);
}

/* The kernel's first line after the exit message is empty, the second is "Backtrace:". */
static void read_message(struct kt_dump_scan *scan, const char *text)
{
	if (text[0] == '\0') {
		scan->part = PART_TITLE;
	} else if (scan->part == PART_TITLE && strcmp(text, "Backtrace:") == 0) {
		scan->part = PART_BODY;
		scan->lost_or_words = 0;
	} else {
		scan->part = PART_MESSAGE;
	}
}

static void read_head(struct kt_dump_scan *scan, const char *text)
{
	switch (scan->part) {
	case PART_FIRST:
		read_first(scan, text);
		break;
	case PART_TYPE:
		read_type(scan, text);
		break;
	case PART_REASON:
		add_to_reason(scan, skip_whitespace(text));
		scan->part = PART_MESSAGE;
		break;
	case PART_MESSAGE:
	case PART_TITLE:
		read_message(scan, text);
		break;
	}
}

/* "     SCX_EV_NAME:       3": how long the name is that *name then points to; 0: another line */
static size_t counter_name(const char *text, const char **name)
{
	const char *at = skip_whitespace(text);
	size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	const char *number = is_prefixed_with(at + len, ": ");

	*name = at;
	if (len == 0 || !number)
		return 0;
	number = skip_whitespace(number);
	number += *number == '-';
	return isdigit(*number) && number[strspn(number, "0123456789")] == '\0' ? len : 0;
}

static const char *read_number(const char *at, long *number)
{
	char *after;

	*number = isdigit(*at) ? strtol(at, &after, 10) : -1;
	return *number < 0 ? NULL : after;
}

/* "    kworker/u8:1-29      [000] d.h2.     3.627533: sched_ext_dump: ..." */
static void read_place(const char *line, struct kt_trace_place *place)
{
	const char *end = strstr(line, marker);
	const char *at = end;
	long seconds, us;

	memset(place, 0, sizeof(*place));
	while (at && at > line && at[-1] != ']')
		at--;
	if (!at || at == line)
		return;
	if (strnlen(at, 6) < 6)
		return;
	place->irq = at[3];
	place->pinned = at[5];
	end = skip_non_whitespace(skip_whitespace(at)); /* the flags */
	end = read_number(skip_whitespace(end), &seconds);
	if (!end || *end != '.' || strspn(end + 1, "0123456789") != 6)
		return;
	read_number(end + 1, &us);
	place->us = seconds * 1000000ULL + us;
	while (at > line && at[-1] != '[')
		at--;
	if (!read_number(at, &place->cpu))
		return;
	while (at > line && at[-1] != '-')
		at--;
	place->known = read_number(at, &place->pid) != NULL;
}

/* A BPF program runs with migration disabled, so what ops.dump() prints is marked by that, but for a last line without
 * its newline, which the kernel adds later. */
static bool is_marked(const struct kt_dump_scan *scan, const char *line)
{
	struct kt_trace_place place;

	read_place(line, &place);
	return place.known && scan->first.known && place.pinned != scan->first.pinned;
}

/* True after the last counter of the counters' section. */
static bool read_section(struct kt_dump_scan *scan, const char *line, const char *text)
{
	const char *last = scan->counter[0] ? scan->counter : default_counter;
	const char *name;
	size_t len;

	if (strcmp(text, "CPU states") == 0)
		scan->cpus_seen = true;
	if (text[0] == '\0') {
		scan->section = SECTION_BLANK;
	} else if (strcmp(text, "Event counters") == 0) {
		scan->section = is_marked(scan, line) ? SECTION_NONE : SECTION_COUNTERS;
	} else if (scan->section == SECTION_COUNTERS && strcmp(text, "--------------") != 0) {
		len = counter_name(text, &name);
		if (len == 0)
			scan->section = SECTION_NONE;
		return len > 0 && len == strlen(last) && memcmp(name, last, len) == 0 && !is_marked(scan, line);
	}
	return false;
}

/* The kernel holds a lock while it writes a dump, and writes it at once: lines with a pause between them, of another
 * CPU or task, are of two dumps. */
static bool follows_at_once(const struct kt_trace_place *before, const struct kt_trace_place *place)
{
	return before->known && place->known && before->pid == place->pid && before->cpu == place->cpu
		&& before->irq == place->irq && place->us - before->us < KT_DUMP_PAUSE_US;
}

static bool sub_exists(const struct kt_dump_scan *scan, uint64_t id)
{
	unsigned i;

	for (i = 0; i < MIN(scan->sub_count, (unsigned)KT_DUMP_SUBS_MAX); i++)
		if (scan->subs[i] == id)
			return true;
	return scan->sub_count > KT_DUMP_SUBS_MAX;
}

/* SysRq-D dumps all schedulers at once, each once, the root first. */
static bool is_next_of_sysrq(const struct kt_dump_scan *scan, const char *name, const char *type)
{
	uint64_t sub = 0;

	return scan->type == KT_DUMP_SYSRQ && type_of(type) == KT_DUMP_SYSRQ && read_name(name, NULL, &sub, NULL)
		&& sub != 0 && sub != scan->sub && sub_exists(scan, sub);
}

/* Whether these are the first lines of a dump: the name (NULL: none) and the type */
static bool is_start(const struct kt_dump_scan *scan, const char *name, const char *type)
{
	struct kt_trace_place place;

	if (scan->lost_between > 0) /* then they may be any lines of one */
		return true;
	if (!type || type_of(type) == KT_DUMP_UNKNOWN || (scan->names_known && scan->has_names != !!name))
		return false;
	read_place(scan->line, &place);
	return !follows_at_once(&scan->end, &place) || (name && is_next_of_sysrq(scan, name, type));
}

static void end_dump(struct kt_dump_scan *scan, enum kt_dump_rule rule)
{
	scan->open = false;
	scan->rule = rule;
	scan->lost += scan->lost_or_words;
	scan->lost_or_words = 0;
}

/* A whole line of an open dump, ended by a NUL. True when the dump is over. */
static bool read_line(struct kt_dump_scan *scan, const char *line)
{
	const char *text = dump_text(line);
	uint64_t lost;

	scan->lines++;
	if (!text) {
		lost = lost_events(line);
		if (lost)
			count_lost(scan, lost);
		else if (scan->part == PART_MESSAGE)
			add_to_reason(scan, line);
		return false;
	}
	if (scan->part == PART_FIRST)
		read_place(line, &scan->first);
	if (scan->part != PART_BODY)
		read_head(scan, text);
	if (!read_section(scan, line, text))
		return false;
	read_place(line, &scan->end);
	end_dump(scan, KT_RULE_COUNTER);
	return true;
}

static const char *held_text(const struct kt_dump_scan *scan)
{
	return scan->line_at ? dump_text(scan->line) : NULL;
}

/* Gives line[] to the caller as the first bytes of a dump, or as further ones of the last. */
static enum kt_dump_event pass_line(struct kt_dump_scan *scan, bool starts)
{
	unsigned held = scan->line_at;

	if (starts)
		start_dump(scan);
	else
		resume_dump(scan);
	if (held)
		read_line(scan, scan->line);
	read_line(scan, scan->line + held);
	if (held)
		scan->line[held - 1] = '\n';
	scan->line[scan->len++] = '\n';
	scan->bytes += scan->len;
	scan->line_passed = true;
	return starts ? KT_DUMP_STARTED : KT_DUMP_RESUMED;
}

/* A whole line while no dump is open, ended by a NUL, perhaps after one that was held back. */
static enum kt_dump_event read_between(struct kt_dump_scan *scan)
{
	const char *text = dump_text(scan->line + scan->line_at);
	const char *held = held_text(scan);
	uint64_t lost;

	if (!text) {
		lost = lost_events(scan->line + scan->line_at);
		if (held && lost)
			return pass_line(scan, true);
		scan->lost_between += lost;
		scan->len = scan->line_at;
		return KT_DUMP_NONE;
	}
	if (!held && scan->lost_between == 0 && read_name(text, NULL, NULL, NULL)) {
		scan->line_at = ++scan->len; /* its NUL is kept */
		return KT_DUMP_NONE;
	}
	return pass_line(scan, is_start(scan, held, text));
}

static enum kt_dump_event end_line(struct kt_dump_scan *scan)
{
	bool is_over;

	scan->line[scan->len] = '\0';
	if (!scan->open)
		return read_between(scan);
	is_over = read_line(scan, scan->line);
	scan->len = 0;
	return is_over ? KT_DUMP_ENDED : KT_DUMP_NONE;
}

/* Copies bytes up to the line's end, or as many as fit; the rest of a longer line says nothing. */
static size_t copy_up_to_newline(struct kt_dump_scan *scan, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t taken = newline ? (size_t)(newline - bytes) : len;
	size_t space = scan->line_at + KT_DUMP_LINE_MAX - 2 - scan->len; /* for a NUL and a newline */

	if (!scan->open && space > 0)
		taken = MIN(taken, space);
	memcpy(scan->line + scan->len, bytes, MIN(taken, space));
	scan->len += MIN(taken, space);
	scan->line[scan->len] = '\0';
	return taken;
}

static void forget_passed_line(struct kt_dump_scan *scan)
{
	if (scan->line_passed)
		scan->len = scan->line_at = 0;
	scan->line_passed = false;
}

/* The first dump of all starts in the midst of its first line. */
static bool starts_all(const struct kt_dump_scan *scan)
{
	return !scan->open && scan->number == 0 && dump_text(scan->line);
}

size_t FAST_FUNC kt_dump_scan(struct kt_dump_scan *scan, const char *bytes, size_t len,
		enum kt_dump_event *event)
{
	size_t at = 0;

	*event = KT_DUMP_NONE;
	forget_passed_line(scan);
	while (at < len && *event == KT_DUMP_NONE) {
		size_t before = at;

		at += copy_up_to_newline(scan, bytes + at, len - at);
		if (starts_all(scan)) {
			start_dump(scan);
			scan->bytes = scan->len;
			*event = KT_DUMP_STARTED;
			break;
		}
		if (scan->open)
			scan->bytes += at - before;
		if (at == len || bytes[at] != '\n')
			continue;
		at++;
		if (scan->open)
			scan->bytes++;
		*event = end_line(scan);
	}
	return at;
}

void FAST_FUNC kt_dump_end(struct kt_dump_scan *scan, enum kt_dump_rule rule)
{
	end_dump(scan, rule);
	scan->end.known = false; /* nothing follows this end at once */
}

bool FAST_FUNC kt_dump_is_complete(const struct kt_dump_scan *scan)
{
	/* on a kernel with counters, a dump that ends without them has lost them */
	bool whole = scan->rule == KT_RULE_COUNTER || (!scan->counter[0] && scan->rule != KT_RULE_NONE);

	return whole && scan->lost == 0;
}

bool FAST_FUNC kt_dump_may_end_quietly(const struct kt_dump_scan *scan)
{
	return scan->open && !scan->counter[0] && scan->cpus_seen;
}

void FAST_FUNC kt_dump_learn(struct kt_dump_scan *scan, const char *events)
{
	const char *line, *next;

	for (line = events; (next = strchr(line, '\n')) != NULL && next[1]; line = next + 1)
		continue;
	safe_strncpy(scan->counter, line, MIN(strcspn(line, " \n") + 1, sizeof(scan->counter)));
}

void FAST_FUNC kt_dump_learn_sub(struct kt_dump_scan *scan, uint64_t cgroup_id)
{
	if (cgroup_id == 0)
		scan->sub_count = KT_DUMP_SUBS_MAX + 1;
	else if (scan->sub_count < KT_DUMP_SUBS_MAX && !sub_exists(scan, cgroup_id))
		scan->subs[scan->sub_count++] = cgroup_id;
	else if (!sub_exists(scan, cgroup_id))
		scan->sub_count++;
}
