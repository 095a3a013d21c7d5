#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Dumps of thousands of runnable tasks arrive whole: dump-1.txt has the text of the guest's own copy, which
# went another way. And the failing twin: a ring that is too small loses lines; each of them is counted, and
# the dump is not complete.
#
# In:  KT_DUMP_KERNEL, the kernel to boot instead of ktrun's own: `make test-6.12` does the same on one whose
#      dumps have no event counters.
# shellcheck disable=SC1091,SC2154 # what is sourced sets them

. "$KT_TEST_LIB/vm.sh"

VM_CEILING=200 # thousands of tasks that want the CPU, on a shared machine

# many NAME N KIND ARG...: a run in which N runnable tasks are dumped.
many() {
	many_name=$1 many_count=$2 many_kind=$3
	shift 3
	[ "$many_kind" = error ] || set -- -s "$DEMO" "$@"
	[ -z "${KT_DUMP_KERNEL:-}" ] || set -- -k "$KT_DUMP_KERNEL" "$@"
	vm "$many_name" -m 1024 -i "$DEMO" -i "$FILES/spinners" -i "$KT_TOP/test/vm/dump_of_many.sh" "$@" \
		-- dump_of_many.sh "$many_count" "$many_kind"
}

oneTimeSetUp() {
	musl-gcc -static -O1 -Wall -Wextra -o "$FILES/spinners" "$KT_TOP/test/vm/spinners.c" || fail "spinners.c"
	many error2000 2000 error
	many error4000 4000 error
	many sysrq4000 4000 sysrq
	many small_error 2000 error --append ktbox.trace_kb=512
	many small_sysrq 2000 sysrq --append ktbox.trace_kb=512
}

# dump_value KEY: of the first dump in result.json.
dump_value() {
	sed -n 's/^  "dumps": \[{\([^}]*\)}.*/,\1,/p' "$result" | sed -n "s/.*,\"$1\":\"\{0,1\}\([^,\"]*\).*/\1/p"
}

assert_dump_value() { # KEY EXPECTED
	assertEquals "$1 of the dump in $art" "$2" "$(dump_value "$1")"
}

# without_prefixes FILE: the text that the kernel dumped.
without_prefixes() {
	sed -n 's/^.*sched_ext_dump: //p' "$1"
}

own() { # bytes|lines|sha256|kept: of the guest's own copy
	case $1 in
	bytes) sed -n 's/^text \([0-9]*\) .*/\1/p' "$art/stdout" ;;
	lines) sed -n 's/^text [0-9]* \([0-9]*\) .*/\1/p' "$art/stdout" ;;
	sha256) sed -n 's/^text .* \([0-9a-f]*\)$/\1/p' "$art/stdout" ;;
	kept) sed -n 's/^entries //p' "$art/stdout" ;;
	esac
}

# assert_own_copy_whole: a copy that has lost something itself proves nothing.
assert_own_copy_whole() {
	assertNotNull "the guest's own copy: $(cat "$art/stdout" "$art/stderr")" "$(own sha256)"
	assertEquals "entries of the guest's own ring" "$(own lines)/$(own lines)" "$(own kept)"
}

# assert_end_rule ERE: how the end is recognised where there are no counters; else by the last one.
assert_end_rule() {
	dump_value rule >rule.out
	without_prefixes "$art/dump-1.txt" >dump
	if grep -q 'SCX_EV_' dump; then assert_file_text counter rule.out; else assert_matches "^($1)$" rule.out; fi
}

assert_same_as_own_copy() { # N
	assert_own_copy_whole
	without_prefixes "$art/dump-1.txt" >dump
	assertEquals "bytes of text" "$(own bytes)" "$(wc -c <dump)"
	assertEquals "checksum of the text" "$(own sha256)" "$(sha256sum <dump | cut -d ' ' -f 1)"
	assertEquals "tasks in the dump" "$1" "$(grep -c '^ [* ]R spinners\[' dump)"
}

assert_whole_dump() { # TYPE
	assert_dump_value complete true
	assert_dump_value type "$1"
	assert_dump_value lost 0
	assert_dump_value unsent 0
	assert_dump_value bytes "$(wc -c <"$art/dump-1.txt")"
	assert_dump_value lines "$(wc -l <"$art/dump-1.txt")"
	assert_value dumps_complete true
	assert_value complete true
	assert_value damaged 0
}

# assert_plain_too: the same, with the prefix taken off by ktrecv.
assert_plain_too() {
	run_kt ktrecv --plain -d plain "$art/bulk.bin"
	assert_status 0
	assertEquals "checksum of the plain dump" "$(own sha256)" "$(sha256sum <plain/dump-1.txt | cut -d ' ' -f 1)"
}

# assert_loss_is_counted: to the line.
assert_loss_is_counted() {
	assert_own_copy_whole
	assert_dump_value complete false
	assert_value dumps_complete false
	assertTrue "lost: $(dump_value lost)" "[ $(dump_value lost) -gt 0 ]"
	assertEquals "lines that came and lines lost" "$(own lines)" $(($(dump_value lines) + $(dump_value lost)))
}

test_an_error_dump_of_2000_tasks_arrives_whole() {
	look error2000
	assert_whole_dump error
	assert_end_rule 'state|quiet'
	assert_dump_value kind 1025
	assert_same_as_own_copy 2000
}

test_an_error_dump_of_4000_tasks_arrives_whole() {
	look error4000
	assert_whole_dump error
	assert_same_as_own_copy 4000
	assert_plain_too
}

test_a_sysrq_dump_of_4000_tasks_arrives_whole_while_the_scheduler_lives() {
	look sysrq4000
	assert_whole_dump sysrq
	assert_end_rule quiet
	assert_same_as_own_copy 4000
	assert_value scheduler_died false
}

test_a_ring_that_is_too_small_makes_the_dump_incomplete_and_the_loss_is_counted() {
	look small_error
	assert_loss_is_counted
}

test_a_dump_whose_head_is_lost_has_an_end_while_the_scheduler_lives() {
	look small_sysrq
	assert_end_rule quiet
	assert_loss_is_counted
	assert_value scheduler_died false
}

. shunit2
