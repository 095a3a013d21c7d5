/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A status line on a terminal.
 *
 * In:  frames; the time. Out: a line on stderr, in our own words and never the guest's.
 */
//kbuild:lib-$(CONFIG_KTRECV) += progress.o
//kbuild:lib-$(CONFIG_KTTTY) += progress.o

#include "progress.h"

static const struct {
	uint32_t tag;
	const char *beginning; /* of the payload, after a stamp if the type has one; NULL: any */
	const char *doing; /* NULL: what the guest did before the dump */
} changes[] = {
	{ KT_SYS_READY, NULL, "setting up" },
	{ KT_MARK, "scheduler-started", "loading the scheduler" },
	{ KT_MARK, "dump-start", "dumping" },
	{ KT_MARK, "dump-end", NULL },
	{ KT_SCHED_STATE, "attached", "scheduler attached" },
	{ KT_SCHED_STATE, "ejected", "scheduler ejected" },
	{ KT_MARK, "scenario-start", "payload running" },
	{ KT_SCHED_EXIT, NULL, "scheduler died" },
	{ KT_SCENARIO_END, NULL, "ending" },
};

static void now_doing(struct kt_progress *progress, const char *doing)
{
	progress->doing = doing;
	progress->since_ms = kt_now_ms();
}

void FAST_FUNC kt_progress_start(struct kt_progress *progress)
{
	progress->on = true;
	progress->before_dump = "ending";
	now_doing(progress, "booting");
}

static bool begins_with(const struct kt_frame *frame, const char *beginning)
{
	size_t skip = frame->tag == KT_MARK ? KT_STAMP_LEN : 0;
	size_t len;

	if (!beginning)
		return true;
	len = strlen(beginning);
	return frame->length >= skip + len && memcmp(frame->payload + skip, beginning, len) == 0;
}

void FAST_FUNC kt_progress_frame(struct kt_progress *progress, const struct kt_frame *frame)
{
	unsigned i;

	for (i = 0; progress->on && i < ARRAY_SIZE(changes); i++) {
		if (changes[i].tag != frame->tag || !begins_with(frame, changes[i].beginning))
			continue;
		if (strcmp(progress->doing, "dumping") != 0)
			progress->before_dump = progress->doing;
		now_doing(progress, changes[i].doing ? changes[i].doing : progress->before_dump);
	}
}

void FAST_FUNC kt_progress_erase(struct kt_progress *progress)
{
	if (!progress->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->shown = false;
}

void FAST_FUNC kt_progress_wrote(struct kt_progress *progress, const uint8_t *bytes, size_t len)
{
	if (len > 0)
		progress->in_line = bytes[len - 1] != '\n';
}

void FAST_FUNC kt_progress_show(struct kt_progress *progress)
{
	if (!progress->on || progress->in_line)
		return;
	fprintf(stderr, "\r\033[Kktrun: %s, %u s", progress->doing,
		(unsigned)((kt_now_ms() - progress->since_ms) / 1000));
	fflush(stderr);
	progress->shown = true;
}

int64_t FAST_FUNC kt_progress_next_ms(const struct kt_progress *progress)
{
	int64_t seconds = (kt_now_ms() - progress->since_ms) / 1000;

	if (!progress->on || progress->in_line)
		return KT_NEVER;
	return progress->since_ms + (seconds + 1) * 1000;
}
