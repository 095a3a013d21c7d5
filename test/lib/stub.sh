# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# stub.sh: runs ktrun with a script in place of QEMU. It tests the order of verdicts and errors, never what a guest
# does.
# In:  the directory stub/ of the test: stream (becomes bulk.bin), console, stderr, code, act (a script that runs
#      last, with $hvc, the path of the wake FIFO, and $bulk, that of bulk.bin); each may be missing.
# Out: stub/args, one argument per line; stub/initrd; art/, the artifacts.

. "$KT_TEST_LIB/unit.sh"

KTRUN=$KT_TOP/host/ktrun
KTRUN_ACCEL=tcg # no trial
export KTRUN_ACCEL

# The frames of a run in which all went well, and of some in which not all did.
READY='sys-ready lifecycle#phase:1'
ATTACHED='sched-state=attached\x20ms=300\x20name=demo'
STARTED='lifecycle#phase:2 scenario-start'
ENDED='scenario-end#u64:5'
STOPPED='sched-state=stopped\x20code=0'
STOPPED_BADLY='sched-state=stopped\x20code=139'
SCRIPT_ERROR='init-error=script:\x20/sched_enable:2:\x20no'
OUT0='exec-exit#i32:0'
OUT7='exec-exit#i32:7'
EXIT='fin exit#i32:0'
NOT_ATTACHED='lifecycle#phase:4:timeout'
DIED='lifecycle#phase:3:gone sched-state=exited\x20ms=400\x20code=1 sched-exit#i32:1'
IERR='init-error=payload:\x20it\x20broke'
DAMAGE='raw:ffffffffffffffffffffffffffffffffffff'

oneTimeSetUp() {
	KTRUN_QEMU=$SHUNIT_TMPDIR/qemu
	export KTRUN_QEMU
	cat >"$KTRUN_QEMU" <<-'END'
		#!/bin/sh
		if [ "$1" = --version ]; then
			echo "QEMU ${STUB_QEMU_VERSION:-of a test}"
			exit
		fi
		stub=$STUB
		printf '%s\n' "$@" >"$stub/args"
		for word; do
			case $word in
			*id=bulk,*) bulk=${word##*path=} ;;
			*id=com1,*) console=${word##*=} ;;
			*id=hvc0,*) hvc=${word##*path=} ;;
			*/initramfs.cpio) initrd=$word ;;
			esac
		done
		cp "$initrd" "$stub/initrd"
		if [ -f "$stub/stderr" ]; then cat "$stub/stderr" >&2; fi
		if [ -f "$stub/console" ]; then cat "$stub/console" >"$console"; fi
		if [ -f "$stub/stream" ]; then cat "$stub/stream" >>"$bulk"; fi
		if [ -f "$stub/act" ]; then . "$stub/act"; fi
		if [ -f "$stub/code" ]; then exit "$(cat "$stub/code")"; fi
		exit 0
	END
	chmod +x "$KTRUN_QEMU"
}

setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub
}

# launcher PROGRAM ARG...: a Python program that may import the launcher's modules.
launcher() {
	launcher_program=$1
	shift
	"$KT_PYTHON" -ISXutf8 -B -c "import sys
sys.path.insert(0, sys.argv.pop())
$launcher_program" "$@" "$KT_TOP/host"
}

# streams ITEM...: sets what the guest sends. The items are split at white space on purpose.
streams() {
	# shellcheck disable=SC2068
	encode $@ >stub/stream
}

# ktrun ARG...: runs it; leaves status, out, err and art/.
ktrun() {
	rm -rf art
	run "$KTRUN" -o "$PWD/art" "$@"
}

# ktrun_of_a_user ARG...: runs it without root's right to read and write everything.
ktrun_of_a_user() {
	rm -rf art
	if [ "$(id -u)" = 0 ]; then
		run setpriv --inh-caps=-all --bounding-set=-all "$KTRUN" "$@"
	else
		run "$KTRUN" "$@"
	fi
}

# value KEY: prints the value from result.json, a string without its quotes.
value() {
	sed -n "s/^  \"$1\": //p" art/result.json | sed 's/,$//; s/^"\(.*\)"$/\1/'
}

assert_value() { # KEY EXPECTED
	assertEquals "$1" "$2" "$(value "$1")"
}

# assert_verdict WORD CODE: in result.json, in the summary and as ktrun's exit code.
assert_verdict() {
	assert_status "$2"
	assert_value verdict "$1"
	assert_value code "$2"
	assert_matches "^ktrun: $1" err
}

# assert_refused: one clear line, 205, nothing started, nothing left.
assert_refused() {
	assert_status 205
	assertEquals "lines on stderr: $(head -c 500 err)" 1 "$(wc -l <err)"
	assert_matches '^ktrun: .' err
	assert_empty out
	assertFalse "artifacts are there" "[ -e art/result.json ]"
	assertFalse "QEMU was started" "[ -e stub/args ]"
	assert_no_temporary_folder
}

# assert_run_is_refused ERE ARG...: a run of true with ARG is refused, and the line says why.
assert_run_is_refused() {
	refusal=$1
	shift
	rm -f stub/args
	ktrun "$@" -- true
	assert_refused
	assert_matches "$refusal" err
}

assert_no_temporary_folder() {
	assertEquals "temporary folders" "" "$(find "$TMPDIR" -maxdepth 1 -name 'ktrun.*')"
}
