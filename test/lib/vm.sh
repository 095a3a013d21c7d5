# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# vm.sh: helpers of the tests on a real kernel. A file boots each of its VMs once, in oneTimeSetUp(), with vm() or
# vm_begin() ... vm_finish(). Its tests then look at what a run left, by the name of the run.
#
# In:  host/ktrun, build/scx_demo, build/kernel/image (as `make test` builds them).
# Out: $VMS/NAME/ the artifacts; $VMS/NAME.out .err .status what ktrun printed and how it ended.

. "$KT_TEST_LIB/unit.sh"

KTRUN=$KT_TOP/host/ktrun
DEMO=$KT_TOP/build/scx_demo
VMS=$TMPDIR/vms     # ktrun's own temporary folders go to $TMPDIR too
FILES=$TMPDIR/files # what a test file gives to its VMs
VM_CEILING=100      # seconds for one VM: several times what the slowest needs
mkdir -p "$VMS" "$FILES"

oneTimeTearDown() {
	if [ -n "${KT_KEEP:-}" ] && [ -d "$VMS" ]; then cp -R "$VMS" "$KT_TEST_BASE/vms"; fi
	rm -rf "$VMS" "$FILES"
}

# vm NAME ARG...: runs ktrun to its end.
vm() {
	vm_name=$1
	shift
	timeout -k 20 $((VM_CEILING + 40)) "$KTRUN" -t "$VM_CEILING" -o "$VMS/$vm_name" "$@" \
		</dev/null >"$VMS/$vm_name.out" 2>"$VMS/$vm_name.err"
	echo $? >"$VMS/$vm_name.status"
}

# vm_begin NAME ARG...: starts ktrun in its own session, as from a terminal. Its stdout arrives on descriptor 5.
# Leaves vm_pid, which is its process group too.
vm_begin() {
	vm_name=$1
	shift
	mkfifo "$VMS/$vm_name.fifo"
	setsid env --default-signal=INT,QUIT "$KTRUN" -v -t "$VM_CEILING" -o "$VMS/$vm_name" "$@" \
		</dev/null >"$VMS/$vm_name.fifo" 2>"$VMS/$vm_name.err" &
	vm_pid=$!
	exec 5<"$VMS/$vm_name.fifo"
	: >"$VMS/$vm_name.out"
}

# vm_hears LINE: reads the payload's output up to this line. False when the run ends without it.
vm_hears() {
	while read -r vm_line <&5; do
		echo "$vm_line" >>"$VMS/$vm_name.out"
		[ "$vm_line" != "$1" ] || return 0
	done
	return 1
}

# vm_wake BYTES: writes wake bytes (printf's octal escapes) to hvc0, whose FIFO ktrun -v names.
vm_wake() {
	vm_fifo=$(sed -n 's/.*id=hvc0,path=\([^ ,]*\).*/\1/p' "$VMS/$vm_name.err" | head -n 1)
	printf '%b' "$1" 1<>"$vm_fifo.in"
}

# vm_heard LINE NAME ARG...: as vm(). When the payload's output has this line, the guest's latch bpf_map_write_done is
# set: a payload that then ends its kernel ($GO) leaves nothing in its own pipe, which a panic would lose.
vm_heard() {
	vm_line_awaited=$1
	shift
	vm_begin "$@"
	if vm_hears "$vm_line_awaited"; then vm_wake '\0277'; fi
	vm_finish
}

GO='ktlatch wait bpf_map_write_done' # for the payload of vm_heard()

# For the payload of a run whose scheduler is $DEMO with --*-after $WHEN_TOLD: it fails when the payload is where it
# should be, however long that takes on a loaded machine.
WHEN_TOLD=600000
FAIL_NOW='killall -USR1 scx_demo'

# vm_qemu: prints the PID of the QEMU of this run, which it finds by the file that QEMU writes.
vm_qemu() {
	pgrep -f "path=$VMS/$vm_name/bulk.bin"
}

# vm_finish: waits for the end of the run.
vm_finish() {
	cat <&5 >>"$VMS/$vm_name.out"
	exec 5<&-
	wait "$vm_pid"
	echo $? >"$VMS/$vm_name.status"
}

# look NAME: makes this run the subject of the asserts that follow.
look() {
	art=$VMS/$1
	out=$VMS/$1.out
	err=$VMS/$1.err
	result=$art/result.json
	status=$(cat "$VMS/$1.status")
}

# value KEY: prints the value from result.json, a string without its quotes.
value() {
	sed -n "s/^  \"$1\": //p" "$result" | sed 's/,$//; s/^"\(.*\)"$/\1/'
}

assert_value() { # KEY EXPECTED
	assertEquals "$1 of $art" "$2" "$(value "$1")"
}

assert_value_matches() { # KEY ERE
	value "$1" >value.out
	assert_matches "$2" value.out
}

# assert_verdict WORD CODE: in result.json, in the summary and as ktrun's exit code.
assert_verdict() {
	assertEquals "exit code of ktrun ($(head -c 400 "$err"))" "$2" "$status"
	assert_value verdict "$1"
	assert_value code "$2"
	assert_matches "ktrun: $1" "$err"
	assert_valid "$result"
}

# dump_lines ERE: prints how many lines of dumps on the console match.
dump_lines() {
	grep -acE "sched_ext_dump: .*$1" "$art/console.log"
}

# assert_dump_ends N: N dumps have their end marker. (A dump of SysRq-D triggers nothing.)
assert_dump_ends() {
	assertEquals "ends of a dump in $art" "$1" "$(dump_lines SCX_EV_SUB_BYPASS_DISPATCH)"
}

# assert_dump_whole N: N dumps of an error exit are on the console, with their start and their end marker.
assert_dump_whole() {
	assertEquals "starts of a dump in $art" "$1" "$(dump_lines 'triggered exit kind')"
	assert_dump_ends "$1"
}

# assert_nothing_left NAME: there is no QEMU of this run and no temporary directory of ktrun.
assert_nothing_left() {
	assertEquals "processes of run $1" "" "$(pgrep -f "path=$VMS/$1/")"
	assertEquals "temporary directories" "" "$(find "$TMPDIR" -maxdepth 1 -name 'ktrun.*')"
}
