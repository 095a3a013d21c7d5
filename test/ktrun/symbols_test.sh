#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Addresses of the kernel become source lines, by nm and addr2line, from a vmlinux beside the image. The vmlinux is a
# small program of the test's own with debug information, and the console is a text with its addresses.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

BANNER='Linux version 9.9.9-test (someone@somewhere) #1 SMP'

# line_of TEXT FILE
line_of() {
	grep -n "$1" "$2" | cut -d : -f 1
}

# make_sources: what a kernel has, as far as it matters.
make_sources() {
	mkdir -p src/init src/kernel
	cat >src/init/main.c <<-END
		const char banner[] = "$BANNER\n";
		int caller(int);
		int start_kernel(int number) { return caller(number) + 1; }
		int main(int count, char **words) { return start_kernel(count) + !words; }
		static int __attribute__((noinline, used)) twin(int number)
		{
			return number * 3; /* the first twin */
		}
	END
	cat >src/kernel/calls.c <<-'END'
		int volatile sink;
		static inline int __attribute__((always_inline)) inlined(int number)
		{
			sink = number; /* in the inlined one */
			return sink + 7;
		}
		int __attribute__((noinline)) callee(int number) { return sink + number; }
		int caller(int number) { /* caller begins */
			int result;

			result = callee(number); /* the call */
			return result * 5 + sink;
		}
		int outer(int number)
		{
			return inlined(number); /* where it is inlined */
		}
		static int __attribute__((noinline, used)) twin(int number)
		{
			sink = number + 1;
			sink = sink * 13 + number; /* the second twin */
			return sink + 2;
		}
	END
}

# make_vmlinux [OPTION...]: kernel/vmlinux, beside kernel/image.
make_vmlinux() {
	make_sources
	mkdir -p kernel
	ln -s "$KT_TOP/build/kernel/image" kernel/image
	(cd src && gcc -O1 -fno-inline -g "$@" -o ../kernel/vmlinux init/main.c kernel/calls.c) 2>gcc.err
	kt_verdict $? "$(cat gcc.err)"
	nm -n kernel/vmlinux | awk 'NF == 3 && $2 ~ /[tTwWi]/' >symbols
}

# start_of NAME [N]: address of the Nth symbol of that name.
start_of() {
	awk -v name="$1" -v n="${2:-1}" '$3 == name && ++found == n { print $1 }' symbols
}

# size_at ADDRESS: up to the next symbol, as the kernel knows it.
size_at() {
	awk -v at="$1" '$1 > at { print $1; exit }' symbols | { read -r next && echo $((0x$next - 0x$1)); }
}

# address ADDRESS-OF-SYMBOL NAME OFFSET: as the kernel prints it.
address() {
	printf '%s+0x%x/0x%x' "$2" "$3" "$(size_at "$1")"
}

# after_call: the offset in caller() of what follows the call of callee().
after_call() {
	objdump -d --no-show-raw-insn --disassemble=caller kernel/vmlinux |
		awk '/^ *[0-9a-f]+:/ { if (next_one) { sub(":", "", $1); print $1; exit } next_one = /call.*<callee>/ }' |
		{ read -r found && echo $((0x$found - 0x$(start_of caller))); }
}

# panics LINE...: a guest that prints these lines after its kernel's first one, and is lost.
panics() {
	streams $READY $STARTED
	{
		echo "[    0.000000] $BANNER"
		echo "[    2.000000] Kernel panic - not syncing: of a test"
		printf '[    2.000001] %s\n' "$@"
	} >stub/console
	ktrun -k kernel/image -- true
	assert_verdict lost 203
}

test_the_address_after_a_call_is_the_line_of_the_call() {
	make_vmlinux
	panics "$(printf '  %s' "$(address "$(start_of caller)" caller "$(after_call)")")"
	line=$(line_of 'the call' src/kernel/calls.c)
	assert_matches "  caller\+0x[0-9a-f]+/0x[0-9a-f]+ \(kernel/calls.c:$line\)\$" err
	assert_valid art/result.json
	assert_matches "\"places\":\{\"caller\+0x[^]]*\"function\":\"caller\",\"file\":\"kernel/calls.c\",\"line\":$line\}" \
		art/result.json
	assert_no_match 'calls.c' art/console.log
}

test_the_address_of_an_instruction_is_its_own_line() {
	make_vmlinux -O0
	panics "RIP: 0010:$(address "$(start_of caller)" caller 0)"
	assert_matches "RIP: 0010:caller\+0x0/0x[0-9a-f]+ \(kernel/calls.c:$(line_of 'caller begins' src/kernel/calls.c)\)" err
}

test_what_was_inlined_is_named_after_the_kernel_s_function() {
	make_vmlinux
	panics "RIP: 0010:$(address "$(start_of outer)" outer "$(inlined_at)")"
	assert_matches "outer\+0x[0-9a-f]+/0x[0-9a-f]+ \(kernel/calls.c:$(line_of 'where it is inlined' src/kernel/calls.c); \
inlined, kernel/calls.c:$(line_of 'in the inlined one' src/kernel/calls.c), inlined\)" err
}

# inlined_at: the offset in outer() of the store to sink.
inlined_at() {
	objdump -d --no-show-raw-insn --disassemble=outer kernel/vmlinux |
		awk '/mov.*edi.*<sink>/ { sub(":", "", $1); print $1; exit }' |
		{ read -r found && echo $((0x$found - 0x$(start_of outer))); }
}

test_of_two_functions_of_a_name_the_one_of_that_size_is_meant() {
	make_vmlinux
	for n in 1 2; do
		start=$(start_of twin "$n")
		panics "RIP: 0010:$(address "$start" twin 0)"
		addr2line -e kernel/vmlinux "$start" | sed 's|.*/src/||; s/ .*//' >place
		assert_matches "twin\+0x0/0x[0-9a-f]+ \($(cat place)\)" err
	done
	assertNotEquals "sizes" "$(size_at "$(start_of twin 1)")" "$(size_at "$(start_of twin 2)")"
	panics "RIP: 0010:twin+0x0/0xfff"
	assert_matches 'twin\+0x0/0xfff$' err
}

test_what_is_no_address_of_the_kernel_stays_as_it_is() {
	make_vmlinux
	panics "$(address "$(start_of caller)" caller 1) [a_module]" 'unknown+0x1/0x2' 'caller+0xffff/0x10'
	assert_matches '\[a_module\]$' err
	assert_matches 'unknown\+0x1/0x2$' err
	assert_matches 'caller\+0xffff/0x10$' err
}

test_a_vmlinux_of_another_build_is_not_used_and_the_summary_says_so() {
	make_vmlinux
	sed -i 's/#1 SMP/#2 SMP/' kernel/vmlinux
	panics "$(address "$(start_of caller)" caller 1)"
	assert_matches "^  symbols    $PWD/kernel/vmlinux: it is of another build than the kernel that ran$" err
	assert_no_match 'calls.c' err
	assert_valid art/result.json
}

test_a_vmlinux_without_debug_information_is_none() {
	make_vmlinux
	strip -g kernel/vmlinux
	panics "$(address "$(start_of caller)" caller 1)"
	assert_value symbols null
	assert_no_match '^  symbols' err
	assertFalse "symbols.json" "[ -e art/symbols.json ]"
}

test_a_damaged_vmlinux_costs_the_lines_only() {
	make_vmlinux
	start=$(start_of caller)
	"$KT_PYTHON" -c 'import sys
data = open("kernel/vmlinux", "rb").read()
at = int.from_bytes(data[40:48], "little")
open("kernel/vmlinux", "wb").write(data[:at + 64] + data[at + 64:].replace(b"\x02\0\0\0", b"\xff\0\0\0"))'
	panics "$(address "$start" caller 1)"
	assert_matches 'caller\+0x1/' err
	assert_no_match Traceback err
}

test_a_run_that_passes_asks_nobody() {
	make_vmlinux
	streams $READY $STARTED $OUT0 $EXIT
	printf '[    0.000000] %s\n[    2.0] %s\n' "$BANNER" "$(address "$(start_of caller)" caller 1)" >stub/console
	ktrun -k kernel/image -- true
	assert_verdict pass 0
	assertFalse "symbols.json" "[ -e art/symbols.json ]"
}

test_a_replay_says_the_same_without_the_vmlinux() {
	make_vmlinux
	panics "$(address "$(start_of caller)" caller "$(after_call)")"
	grep calls.c err >first
	rm kernel/vmlinux
	run "$KTRUN" --replay art
	grep calls.c err >second
	assert_same_bytes first second
	assertNotEquals "lines" 0 "$(wc -l <first)"
}

test_a_replay_opens_no_vmlinux_and_takes_no_other_file_for_the_run_s() {
	make_vmlinux
	panics "$(address "$(start_of caller)" caller "$(after_call)")"
	rm art/symbols.json
	run "$KTRUN" --replay art
	assert_status 203
	assert_no_match calls.c err
	for text in '' '[]' '{"vmlinux": 1}' '{"resolved": [{"address": "caller", "places": [{"line": 1}]}]}' \
		'{"vmlinux": "x", "resolved": [{"address": "caller+0x1/0x2", "places": []}]}'; do
		printf '%s' "$text" >art/symbols.json
		run "$KTRUN" --replay art
		assert_status 203
		assert_no_match Traceback err
	done
}

test_a_tool_that_takes_too_long_is_ended() {
	launcher 'import launcher.run.symbolize as symbolize
from launcher.lib.jobs import Jobs
symbolize._SECS = 1
with Jobs() as jobs:
	try:
		symbolize._run(["sleep", "1000"], b"", jobs)
	except symbolize.NoSymbols as why:
		print(why)' >out 2>err
	assert_file_text 'sleep took more than 1 s' out
}

# shellcheck disable=SC1091
. shunit2
