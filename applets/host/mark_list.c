/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The marks of a run.
 *
 * In:  mark frames: u64 milliseconds since the guest's boot, text. Out: an array for result.json. The guest
 *      may send as many as it likes: what is kept of them is bounded, and they are counted.
 */
//kbuild:lib-$(CONFIG_KTRECV) += mark_list.o

#include "json.h"
#include "mark.h"
#include "mark_list.h"

void FAST_FUNC kt_mark_list_add(struct kt_mark_list *list, const struct kt_frame *frame)
{
	size_t len = frame->length - KT_STAMP_LEN;
	uint64_t at = list->count++;

	if (at >= KT_MARKS_KEPT)
		return;
	list->marks[at].ms = kt_get_u64(frame->payload);
	list->marks[at].text = xstrndup((const char *)frame->payload + KT_STAMP_LEN,
		MIN(len, (size_t)KT_MARK_TEXT_MAX));
}

void FAST_FUNC kt_mark_list_print(const struct kt_mark_list *list, FILE *out)
{
	uint64_t i;

	fputc('[', out);
	for (i = 0; i < MIN(list->count, (uint64_t)KT_MARKS_KEPT); i++) {
		fprintf(out, "%s{\"ms\":%llu,\"what\":", i > 0 ? "," : "", (unsigned long long)list->marks[i].ms);
		kt_json_string(out, (const uint8_t *)list->marks[i].text, strlen(list->marks[i].text));
		fputc('}', out);
	}
	fputc(']', out);
}
