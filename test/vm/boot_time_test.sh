#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `ktrun -- true` takes at most twice what the bare kernel needs to boot to an init that powers off. Both
# are measured in turns, under the same load, with the same QEMU command: that of `ktrun -n`, with another
# initramfs.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

RUNS=7
CEILING=200 # per cent

# bare_command: a script that boots the bare init with ktrun's own QEMU command; the places of a run are
# $FILES/bare.
bare_command() {
	mkdir "$FILES/bare" "$FILES/root"
	musl-gcc -static -Os -o "$FILES/root/init" "$KT_TOP/test/vm/bare-init.c"
	(cd "$FILES/root" && find . | cpio -o -H newc --quiet) >"$FILES/bare/initramfs.cpio"
	mkfifo "$FILES/bare/hvc0.in" "$FILES/bare/hvc0.out"
	"$KTRUN" -n -o "$FILES/bare" -- true 2>/dev/null |
		sed "s|[^ =,]*/ktrun\.XXXXXX/|$FILES/bare/|g" >"$FILES/bare.sh"
}

# milliseconds COMMAND ARG...: how long it takes, added to a file; false if it fails.
milliseconds() {
	before=$(date +%s%3N)
	"$@" </dev/null >"$FILES/out" 2>&1 || return 1
	echo $(($(date +%s%3N) - before)) >>"$FILES/$times"
}

oneTimeSetUp() {
	bare_command
	seq "$RUNS" | while read -r run; do
		times=bare.ms
		milliseconds timeout "$VM_CEILING" sh "$FILES/bare.sh"
		times=ktrun.ms
		milliseconds timeout "$VM_CEILING" "$KTRUN" -q -o "$VMS/$run" -- true
	done
	return 0
}

# median FILE: of the numbers in it.
median() {
	sort -n "$1" | sed -n "$(($(wc -l <"$1") / 2 + 1))p"
}

# figures FILE: all of them, in order.
figures() {
	sort -n "$1" | tr '\n' ' '
}

# within_ceiling MS BARE-MS
within_ceiling() {
	[ "$1" -le $(($2 * CEILING / 100)) ]
}

test_both_were_measured_and_did_what_they_should() {
	assertEquals "bare boots" "$RUNS" "$(wc -l <"$FILES/bare.ms")"
	assertEquals "runs of ktrun" "$RUNS" "$(wc -l <"$FILES/ktrun.ms")"
	assert_matches '^bare init' "$FILES/bare/console.log"
	assert_empty_or_missing "$FILES/bare/bulk.bin"
	result=$VMS/1/result.json
	art=$VMS/1
	assert_value verdict pass
}

test_ktrun_true_takes_at_most_twice_what_the_bare_kernel_takes() {
	bare=$(median "$FILES/bare.ms")
	ours=$(median "$FILES/ktrun.ms")
	echo "bare $(figures "$FILES/bare.ms"), ktrun $(figures "$FILES/ktrun.ms")"
	echo "medians: bare $bare ms, ktrun $ours ms, $((ours * 100 / bare)) %"
	assertTrue "ktrun $ours ms, bare $bare ms" "within_ceiling $ours $bare"
	assertFalse "the ceiling holds nothing back" "within_ceiling $((bare * 2 + 100)) $bare"
}

. shunit2
