# The sched_ext dumps of a run.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a dump tells better than any exit number why the kernel has thrown a scheduler out. In: the
#        array "dumps" of result.json (one line, strings escaped, so that no text of the guest can look
#        like a key).
# Out:   dump_* of one dump after the other. Exit: none of its own.
# shellcheck disable=SC2015,SC2034,SC2154

dumps_shown=8

# Into $work/dumps, a dump a line.
list_dumps() {
	: >"$work/dumps"
	[ ! -r "$out/result.json" ] ||
		sed -n '/^  "dumps": \[{.*}\],$/ { s/^  "dumps": \[//; s/\],$//; s/},{"number":/}\
{"number":/g; p; }' "$out/result.json" >"$work/dumps"
}

# Calls FUNCTION for each dump, with its dump_* set.
for_each_dump() { # FUNCTION
	while IFS= read -r dump_text; do
		take_dump
		"$1"
	done <"$work/dumps"
}

take_dump() {
	dump_complete=''
	case $dump_text in
	*',"complete":true,'*) dump_complete=yes ;;
	esac
	take_dump_number number
	dump_number=$dump_value
	take_dump_string type rule
	dump_type=$dump_value
	take_dump_string rule kind
	dump_rule=$dump_value
	take_dump_number kind
	dump_kind=$dump_value
	take_dump_number lines
	dump_lines=$dump_value
	take_dump_number lost
	dump_lost=$dump_value
	take_dump_number unsent
	dump_unsent=$dump_value
	take_dump_reason
}

take_dump_number() { # KEY
	dump_value=${dump_text#*"\"$1\":"}
	dump_value=${dump_value%%[!0-9]*}
	dump_value=${dump_value:-0}
}

take_dump_string() { # KEY KEY_BEHIND
	dump_value=${dump_text#*"\"$1\":\""}
	dump_behind='","'$2'":'
	json_plain "${dump_value%%"$dump_behind"*}"
	dump_value=$plain
}

# The last key.
take_dump_reason() {
	dump_reason=${dump_text#*'"reason":"'}
	dump_reason=${dump_reason%'}'}
	json_plain "${dump_reason%'"'}"
	dump_reason=$plain
}

# Sets $newest_file, and $error_reason and $error_file from the newest dump of an error exit; empty if
# there is none.
find_error_dump() {
	newest_file='' error_reason='' error_file=''
	for_each_dump keep_error_dump
}

keep_error_dump() {
	newest_file=dump-$dump_number.txt
	[ "$dump_type" = error ] || return 0
	error_file=dump-$dump_number.txt
	error_reason="${dump_reason:-no reason given} (kind $dump_kind)"
}

describe_dump() {
	dumps_described=$((dumps_described + 1))
	[ "$dumps_described" -le "$dumps_shown" ] || return 0
	printf '  dump %-6s%s' "$dump_number" "$dump_type"
	[ "$dump_kind" = 0 ] || printf ' %s' "$dump_kind"
	describe_wholeness
	[ -z "$dump_reason" ] || [ "$dump_rule" = unknown ] || printf ': %s' "$dump_reason"
	printf '\n'
}

# A dump of which no end frame came has the rule "unknown"; one of whose end ktpipe saw no sign, "none".
describe_wholeness() {
	if [ "$dump_rule" = unknown ]; then
		printf ', NOT COMPLETE: its end never came'
		return
	fi
	if [ -n "$dump_complete" ]; then printf ', complete'
	else printf ', NOT COMPLETE (rule %s)' "$dump_rule"
	fi
	printf ', %s lines' "$dump_lines"
	[ "$dump_lost" = 0 ] || printf ', %s trace events lost' "$dump_lost"
	[ "$dump_unsent" = 0 ] || printf ', %s bytes not sent' "$dump_unsent"
}

describe_dumps() {
	dumps_described=0
	for_each_dump describe_dump
	[ "$dumps_described" -le "$dumps_shown" ] ||
		printf '  dumps      %s in all, see result.json\n' "$dumps_described"
}
