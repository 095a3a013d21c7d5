/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The facts that the frames of a run state.
 *
 * In:  its frames, one after the other. Out: stream.json. The guest is not trusted: what is kept of its marks
 *      and tests is bounded, and a test whose status is neither "passed" nor "skipped" has failed.
 */
//kbuild:lib-$(CONFIG_KTRECV) += run_result.o

#include "json.h"
#include "key_value.h"
#include "scx_dump_end.h"
#include "run_result.h"

bool FAST_FUNC kt_frame_is_well_formed(const struct kt_type *type, const struct kt_frame *frame)
{
	switch (type->payload) {
	case KT_I32:
		return frame->length == 4;
	case KT_U64:
		return frame->length == 8;
	case KT_PHASE:
		return frame->length >= 1;
	case KT_BYTES_SENT:
		return frame->length == 8 || frame->length == 0;
	case KT_STAMPED:
		return frame->length >= KT_STAMP_LEN;
	case KT_NUMBERED:
		return frame->length >= KT_NUMBER_LEN;
	default:
		return true;
	}
}

/* Newest wins. */
static void keep_text(char **text, const uint8_t *bytes, size_t len)
{
	free(*text);
	*text = xstrndup((const char *)bytes, MIN(len, (size_t)KT_REASON_MAX));
}

static void keep_first_i32(struct kt_number *number, const struct kt_frame *frame)
{
	if (number->known)
		return;
	number->known = true;
	number->value = (int32_t)kt_get_u32(frame->payload);
}

static void on_lifecycle(struct kt_run_result *result, const struct kt_frame *frame)
{
	const uint8_t *reason = frame->payload + 1;
	size_t len = frame->length - 1;

	switch (frame->payload[0]) {
	case KT_PAYLOAD_STARTING:
		result->payload_started = true;
		break;
	case KT_SCHEDULER_DIED:
		result->scheduler_died = true;
		keep_text(&result->scheduler_died_reason, reason, len);
		break;
	case KT_SCHEDULER_NOT_ATTACHED:
		result->scheduler_not_attached = true;
		keep_text(&result->scheduler_not_attached_reason, reason, len);
		break;
	}
}

/* Keeps the value after KEY (" name="), up to one of the characters of END. */
static void keep_value(char **value, const char *text, const char *key, const char *end)
{
	const char *from = strstr(text, key);

	if (!from)
		return;
	from += strlen(key);
	keep_text(value, (const uint8_t *)from, strcspn(from, end));
}

static void keep_word(char **word, const char *text, const char *key)
{
	const char *value = kt_value_of(text, key, "reason");

	if (value)
		keep_text(word, (const uint8_t *)value, strcspn(value, " "));
}

/* The newest one for this cgroup that is attached; else NULL. */
static struct kt_sub *find_sub(struct kt_sub_list *list, uint64_t cgroup_id)
{
	unsigned i = list->kept;

	while (i-- > 0)
		if (list->subs[i].cgroup_id == cgroup_id && strcmp(list->subs[i].state, "attached") == 0)
			return &list->subs[i];
	return NULL;
}

static struct kt_sub *add_sub(struct kt_sub_list *list, uint64_t cgroup_id)
{
	list->count++;
	if (list->kept == KT_SUBS_KEPT)
		return NULL;
	list->subs[list->kept].cgroup_id = cgroup_id;
	return &list->subs[list->kept++];
}

static unsigned index_in_states(const char *const *states, unsigned count, const char *text)
{
	size_t len = strcspn(text, " ");
	unsigned i;

	for (i = 0; i < count; i++)
		if (strlen(states[i]) == len && memcmp(states[i], text, len) == 0)
			break;
	return i;
}

/* "attached ms=M sub=ID name=NAME cgroup=PATH", or detached or ejected and how */
static void on_sub_state(struct kt_sub_list *list, const char *text)
{
	static const char *const states[] = { "attached", "detached", "ejected" };
	uint64_t id = kt_number_of(text, "sub", "reason");
	struct kt_sub *sub;
	const char *reason;
	unsigned i = index_in_states(states, ARRAY_SIZE(states), text);

	if (i == ARRAY_SIZE(states))
		return;
	sub = i == 0 ? NULL : find_sub(list, id);
	if (!sub)
		sub = add_sub(list, id);
	if (!sub)
		return;
	sub->state = states[i];
	keep_word(&sub->name, text, "name");
	keep_word(&sub->cgroup, text, "cgroup");
	sub->kind = kt_number_of(text, "kind", "reason");
	reason = kt_value_of(text, "reason", "reason");
	if (reason)
		keep_text(&sub->reason, (const uint8_t *)reason, strlen(reason));
}

static void on_attached(struct kt_run_result *result, const char *text)
{
	result->scheduler_attached = true;
	result->scheduler_restarts += result->is_detached;
	result->is_detached = false;
	free(result->scheduler_detached_reason); /* it was that of the restart, and explains no later end */
	result->scheduler_detached_reason = NULL;
	keep_value(&result->scheduler_name, text, " name=", " ");
}

static void on_sched_state(struct kt_run_result *result, const struct kt_frame *frame)
{
	char *text = NULL;

	keep_text(&text, frame->payload, frame->length);
	if (is_prefixed_with(text, "sub-")) {
		on_sub_state(&result->subs, text + sizeof("sub-") - 1);
	} else if (is_prefixed_with(text, "attached ")) {
		on_attached(result, text);
	} else if (is_prefixed_with(text, "ejected ")) {
		result->scheduler_ejected = true;
		keep_value(&result->scheduler_ejected_reason, text, " reason=", "");
	} else if (is_prefixed_with(text, "detached ")) {
		result->is_detached = true;
		keep_value(&result->scheduler_detached_reason, text, " reason=", "");
	} else if (is_prefixed_with(text, "exited ") || is_prefixed_with(text, "killed ")
	 || is_prefixed_with(text, "stopped ")
	) {
		keep_text(&result->scheduler_end, (uint8_t *)text, strlen(text));
	}
	free(text);
}

/* The first one is the cause of the others. A script is the user's: a line of it that fails is no failure of /init. */
static void on_init_error(struct kt_run_result *result, const struct kt_frame *frame)
{
	static const char script[] ALIGN1 = "script: ";
	bool is_script = frame->length >= sizeof(script) - 1 && memcmp(frame->payload, script, sizeof(script) - 1) == 0;
	char **error = is_script ? &result->script_error : &result->init_error;

	if (!*error)
		keep_text(error, frame->payload, frame->length);
}

/* A number that no run reaches counts as unknown, rather than as negative. */
static void keep_u64(struct kt_number *number, const struct kt_frame *frame)
{
	uint64_t value = kt_get_u64(frame->payload);

	number->known = value <= INT64_MAX;
	number->value = number->known ? (int64_t)value : 0;
}

static void on_fin(struct kt_run_result *result, const struct kt_frame *frame)
{
	result->fin_seen = true;
	result->fin_offset = frame->offset;
	result->bytes_sent.known = false;
	if (frame->length > 0)
		keep_u64(&result->bytes_sent, frame);
}

static void add_mark(struct kt_mark_list *list, const struct kt_frame *frame)
{
	size_t len = frame->length - KT_STAMP_LEN;
	uint64_t at = list->count++;

	if (at >= KT_MARKS_KEPT)
		return;
	list->marks[at].ms = kt_get_u64(frame->payload);
	list->marks[at].text = xstrndup((const char *)frame->payload + KT_STAMP_LEN,
		MIN(len, (size_t)KT_MARK_TEXT_MAX));
}

static bool status_is(const char *text, const char *status)
{
	const char *value = kt_value_of(text, "status", "message");

	return value && strcspn(value, " ") == strlen(status) && is_prefixed_with(value, status);
}

/* A test-case frame: "status=passed ms=12 file=FILE name=NAME message=TEXT" */
static void add_test(struct kt_test_list *list, const struct kt_frame *frame)
{
	char *text = xstrndup((const char *)frame->payload, MIN(frame->length, (uint32_t)KT_TEST_TEXT_MAX));

	list->passed += status_is(text, "passed");
	list->skipped += status_is(text, "skipped");
	if (list->kept == list->count && list->kept < KT_TESTS_KEPT && list->kept_bytes < KT_TEST_TEXTS_MAX) {
		list->texts[list->kept++] = text;
		list->kept_bytes += strlen(text);
	} else {
		free(text);
	}
	list->count++;
}

void FAST_FUNC kt_result_frame(struct kt_run_result *result, const struct kt_frame *frame)
{
	switch (frame->tag) {
	case KT_EXIT:
		keep_first_i32(&result->exit_code, frame);
		break;
	case KT_EXEC_EXIT:
		keep_first_i32(&result->exec_exit_code, frame);
		break;
	case KT_SCHED_EXIT:
		result->scheduler_died = true;
		keep_first_i32(&result->sched_exit_code, frame);
		break;
	case KT_SCENARIO_END:
		keep_u64(&result->elapsed_ms, frame);
		break;
	case KT_SYS_READY:
		result->sys_ready = true;
		break;
	case KT_LIFECYCLE:
		on_lifecycle(result, frame);
		break;
	case KT_SCHED_STATE:
		on_sched_state(result, frame);
		break;
	case KT_SCX_DUMP:
		kt_dump_list_bytes(&result->dumps, frame);
		break;
	case KT_SCX_DUMP_END:
		kt_dump_list_end(&result->dumps, frame);
		break;
	case KT_MARK:
		add_mark(&result->marks, frame);
		break;
	case KT_TEST_CASE:
		add_test(&result->tests, frame);
		break;
	case KT_FIN:
		on_fin(result, frame);
		break;
	case KT_KMSG:
		result->kernel_log_bytes += frame->length;
		result->kernel_log_ended = frame->length == 0;
		break;
	case KT_INIT_ERROR:
		on_init_error(result, frame);
		break;
	}
}

static void print_number(FILE *out, const char *key, const struct kt_number *number)
{
	if (number->known)
		fprintf(out, "  \"%s\": %lld,\n", key, (long long)number->value);
	else
		fprintf(out, "  \"%s\": null,\n", key);
}

static void print_count(FILE *out, const char *key, uint64_t count)
{
	fprintf(out, "  \"%s\": %llu,\n", key, (unsigned long long)count);
}

static void print_flag(FILE *out, const char *key, bool flag)
{
	fprintf(out, "  \"%s\": %s,\n", key, flag ? "true" : "false");
}

static void print_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "  \"%s\": ", key);
	if (text)
		kt_json_string(out, (const uint8_t *)text, strlen(text));
	else
		fputs("null", out);
	fputs(",\n", out);
}

static void print_scheduler(const struct kt_run_result *result, FILE *out)
{
	print_flag(out, "scheduler_attached", result->scheduler_attached);
	print_text(out, "scheduler_name", result->scheduler_name);
	print_flag(out, "scheduler_ejected", result->scheduler_ejected);
	print_text(out, "scheduler_ejected_reason", result->scheduler_ejected_reason);
	print_flag(out, "scheduler_died", result->scheduler_died || result->scheduler_ejected);
	print_text(out, "scheduler_died_reason", result->scheduler_died_reason);
	print_flag(out, "scheduler_not_attached", result->scheduler_not_attached);
	print_text(out, "scheduler_not_attached_reason", result->scheduler_not_attached_reason);
	print_text(out, "scheduler_detached_reason", result->scheduler_detached_reason);
	print_text(out, "scheduler_end", result->scheduler_end);
	print_count(out, "scheduler_restarts", result->scheduler_restarts);
}

static void print_sub_word(FILE *out, const char *key, char *word)
{
	fprintf(out, ",\"%s\":", key);
	if (word)
		kt_json_string(out, (const uint8_t *)word, strlen(word));
	else
		fputs("null", out);
}

static void print_subs(const struct kt_sub_list *list, FILE *out)
{
	unsigned i;

	print_count(out, "sub_scheduler_count", list->count);
	fputs("  \"sub_schedulers\": [", out);
	for (i = 0; i < list->kept; i++) {
		const struct kt_sub *sub = &list->subs[i];

		if (sub->cgroup)
			kt_dump_end_unquote(sub->cgroup);
		fprintf(out, "%s{\"id\":%llu,\"state\":\"%s\",\"kind\":%u", i > 0 ? "," : "",
			(unsigned long long)sub->cgroup_id, sub->state, sub->kind);
		print_sub_word(out, "name", sub->name);
		print_sub_word(out, "cgroup", sub->cgroup && sub->cgroup[0] ? sub->cgroup : NULL);
		print_sub_word(out, "reason", sub->reason);
		fputc('}', out);
	}
	fputs("],\n", out);
}

/* Nothing is missing when as many bytes arrived before the fin frame as the kernel had sent by then. An exit frame
 * without a fin frame is not /init's, or fin was lost. */
static void print_completeness(const struct kt_run_result *result, FILE *out)
{
	int64_t missing = result->bytes_sent.value - (int64_t)result->fin_offset;

	print_number(out, "bytes_sent", &result->bytes_sent);
	print_flag(out, "fin_seen", result->fin_seen);
	if (!result->bytes_sent.known) {
		fprintf(out, "  \"complete\": %s,\n  \"missing_bytes\": null,\n",
			result->exit_code.known && !result->fin_seen ? "false" : "null");
		return;
	}
	print_flag(out, "complete", missing == 0);
	fprintf(out, "  \"missing_bytes\": %lld,\n", (long long)missing);
}

static void print_dumps(const struct kt_run_result *result, FILE *out)
{
	fputs("  \"dumps\": ", out);
	kt_dump_list_print(&result->dumps, out);
	fputs(",\n", out);
	print_flag(out, "dumps_complete", kt_dump_list_is_complete(&result->dumps));
}

static void print_mark_list(const struct kt_mark_list *list, FILE *out)
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

static void print_test_word(FILE *out, const char *text, const char *key)
{
	fprintf(out, ",\"%s\":", key);
	kt_json_value_of(out, text, key, "message", "null");
}

static void print_test(FILE *out, const char *text)
{
	const char *status = "failed";

	if (status_is(text, "passed") || status_is(text, "skipped"))
		status = status_is(text, "passed") ? "passed" : "skipped";
	fprintf(out, "{\"status\":\"%s\",\"ms\":%llu", status, kt_number_of(text, "ms", "message"));
	print_test_word(out, text, "file");
	print_test_word(out, text, "name");
	print_test_word(out, text, "message");
	fputc('}', out);
}

static void print_tests(const struct kt_test_list *list, FILE *out)
{
	unsigned i;

	fprintf(out, "  \"tests_passed\": %llu,\n  \"tests_failed\": %llu,\n  \"tests_skipped\": %llu,\n",
		(unsigned long long)list->passed,
		(unsigned long long)(list->count - list->passed - list->skipped),
		(unsigned long long)list->skipped);
	fputs("  \"tests\": [", out);
	for (i = 0; i < list->kept; i++) {
		if (i > 0)
			fputc(',', out);
		print_test(out, list->texts[i]);
	}
	fputs("],\n", out);
}

static void print_marks(const struct kt_run_result *result, FILE *out)
{
	print_count(out, "marks_sent", result->marks.count);
	fputs("  \"marks\": ", out);
	print_mark_list(&result->marks, out);
	fputs(",\n", out);
}

static void print_files(const struct kt_run_result *result, FILE *out)
{
	uint64_t incomplete = kt_file_list_incomplete(&result->files);

	fputs("  \"files\": ", out);
	kt_file_list_print(&result->files, out);
	fputs(",\n", out);
	print_flag(out, "files_complete", incomplete == 0 && result->files.stray_frames == 0);
	print_count(out, "files_count", result->files.count);
	print_count(out, "files_incomplete", incomplete);
	print_count(out, "files_stray_frames", result->files.stray_frames);
}

static void print_stream(const struct kt_run_result *result, FILE *out)
{
	print_count(out, "frames", result->frames);
	print_count(out, "bytes", result->bytes);
	print_count(out, "damaged", result->damaged);
	print_count(out, "damaged_bytes", result->damaged_bytes);
	print_flag(out, "truncated", result->truncated);
	print_count(out, "unknown_frames", result->unknown_frames);
	print_completeness(result, out);
	print_count(out, "unwritten_bytes", result->unwritten_bytes);
	print_count(out, "stdout_bytes", result->stdout_bytes);
	print_count(out, "stderr_bytes", result->stderr_bytes);
	print_count(out, "sched_log_blocks", result->sched_log_blocks);
	print_count(out, "kernel_log_bytes", result->kernel_log_bytes);
	print_flag(out, "kernel_log_ended", result->kernel_log_ended);
}

void FAST_FUNC kt_result_print(struct kt_run_result *result, FILE *out)
{
	kt_dump_list_cut_off(&result->dumps);
	fputs("{\n", out);
	print_number(out, "exit_code", &result->exit_code);
	print_number(out, "exec_exit_code", &result->exec_exit_code);
	print_number(out, "sched_exit_code", &result->sched_exit_code);
	print_flag(out, "sys_ready", result->sys_ready);
	print_text(out, "init_error", result->init_error);
	print_text(out, "script_error", result->script_error);
	print_scheduler(result, out);
	print_subs(&result->subs, out);
	print_flag(out, "payload_started", result->payload_started);
	print_number(out, "elapsed_ms", &result->elapsed_ms);
	print_dumps(result, out);
	print_tests(&result->tests, out);
	print_marks(result, out);
	print_files(result, out);
	print_stream(result, out);
	/* the last line has no comma */
	fprintf(out, "  \"sched_log_bytes\": %llu\n}\n", (unsigned long long)result->sched_log_bytes);
}
