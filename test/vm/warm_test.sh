#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Warm runs: each kind of run says the same as a cold one, and a guest that was resumed is as fresh as one that has
# booted.
#
# In a copy of ktrun with a cache of its own, so that what is damaged here is nobody else's.

# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # what is sourced sets them; $x is the guest's
. "$KT_TEST_LIB/vm.sh"

export KTRUN_KERNEL="$KT_TOP/build/kernel/image" XDG_CACHE_HOME="$FILES/cache" XDG_STATE_HOME="$FILES/state"
WARM_OPTIONS='-c 2 -m 256'
CACHE=$XDG_CACHE_HOME/ktbox/warm
AT_ONCE=8

oneTimeSetUp() {
	install_ktrun
	run_files
	# The first warm run saves the guest for all others.
	for kind in pass rich signal died rejected stall panic lost tests warned; do
		pair "$kind"
	done
	warm -t 4 timeout -- sh -c 'echo ready; exec sleep 600'
	warm break --append break=kernel_log -v -- true
	warm included -i "$FILES/large" -- sh -c 'sha256sum </include-files/large'
	fresh_one
	fresh_two
}

install_ktrun() {
	mkdir -p "$FILES/ktbox" "$FILES/cache" "$FILES/state"
	cp -R "$KT_TOP/host" "$FILES/ktbox/host"
	ln -s "$KT_TOP/build/busybox" "$KT_TOP/build/initramfs.cpio" "$FILES/ktbox"
	echo test >"$FILES/ktbox/version"
	KTRUN=$FILES/ktbox/host/ktrun
}

run_files() {
	mkdir "$FILES/tree"
	echo one >"$FILES/tree/one"
	ln -s one "$FILES/tree/link"
	ln "$FILES/tree/one" "$FILES/tree/two"
	printf '#!/bin/sh\necho "from a script: $1"\n' >"$FILES/script"
	chmod +x "$FILES/script"
	echo 'echo 77 > /proc/sys/vm/swappiness' >"$FILES/enable"
	echo 'echo 1 > /no/such/file' >"$FILES/disable"
	printf 'test_good() { assertTrue true; }\ntest_bad() { assertTrue false; }\n. shunit2\n' >"$FILES/some_test.sh"
	head -c 20000000 /dev/urandom >"$FILES/large"
}

# warm [-t SECS] NAME ARG...
warm() {
	ceiling=$VM_CEILING
	[ "$1" != -t ] || { ceiling=$2; shift 2; }
	vm_name=$1
	shift
	# shellcheck disable=SC2086 # words
	timeout -k 20 $((VM_CEILING + 140)) "$KTRUN" --warm $WARM_OPTIONS -t "$ceiling" -o "$VMS/$vm_name" "$@" \
		</dev/null >"$VMS/$vm_name.out" 2>"$VMS/$vm_name.err"
	echo $? >"$VMS/$vm_name.status"
}

# pair KIND: a cold run cold.KIND and a warm one warm.KIND, side by side.
pair() {
	case $1 in
	pass) both pass -- true ;;
	rich) both rich -s "$DEMO" -a '--watchdog 20000' --dmesg --printk \
		--enable "$FILES/enable" --disable "$FILES/disable" -e 'MINE=a  b' -i "$FILES/tree" -i "$FILES/script" -i "$FILES/script:/opt/mine" --get /tmp/out --get /tmp/none -- sh -c '
		cat /proc/sys/vm/swappiness /sys/kernel/sched_ext/root/ops /include-files/tree/link; ls -l /include-files/tree | wc -l
		stat -c "%h %a %s" /include-files/tree/two; echo "$MINE"; script "$1"; /opt/mine x; echo brought >/tmp/out
		echo to stderr >&2; exit 7' name 'an  argument' ;;
	signal) both signal -- sh -c 'kill -SEGV $$' ;;
	died) both died -s "$DEMO" -a "--error-after $WHEN_TOLD" -- sh -c "$FAIL_NOW; sleep 600" ;;
	rejected) both rejected -s "$DEMO" -a --reject -- echo started ;;
	stall) both stall -s "$DEMO" -a "--stall-after $WHEN_TOLD" --expect-death -- sh -c "$FAIL_NOW"'
		while [ -e /sys/kernel/sched_ext/root ]; do :; done' ;;
	panic) both_heard panic -- sh -c "echo ready; $GO; echo c >/proc/sysrq-trigger" ;;
	lost) both_heard lost -- sh -c "echo ready; $GO; reboot -f" ;;
	tests) both tests --test "$FILES/some_test.sh" ;;
	warned) both warned --fail-on-warn -- sh -c 'echo "WARNING: CPU: 0 PID: 1 at kernel/never.c:1" >/dev/kmsg' ;;
	esac
}

both() { # KIND ARG...
	kind=$1
	shift
	# shellcheck disable=SC2086 # words
	(vm "cold.$kind" --cold $WARM_OPTIONS "$@") &
	warm "warm.$kind" "$@"
	wait $!
}

both_heard() { # KIND ARG..., whose payload says "ready"
	kind=$1
	shift
	# shellcheck disable=SC2086 # words
	(vm_heard ready "cold.$kind" --cold $WARM_OPTIONS "$@") &
	# shellcheck disable=SC2086 # words
	vm_heard ready "warm.$kind" --warm $WARM_OPTIONS "$@"
	wait $!
}

# The guest's answer to a line of ours is from between two looks at our own clock.
fresh_one() {
	mkfifo "$FILES/ask"
	: >"$VMS/fresh1.fifo.out" # tail may be there before the job that writes to it
	# shellcheck disable=SC2086 # words
	"$KTRUN" --warm $WARM_OPTIONS -q -t "$VM_CEILING" -o "$VMS/fresh1" -- \
		sh -c 'echo ready; read _; date +%s.%N; '"$IDENTITY" <"$FILES/ask" >>"$VMS/fresh1.fifo.out" 2>"$VMS/fresh1.err" &
	fresh_pid=$!
	exec 6>"$FILES/ask"
	tail -f "$VMS/fresh1.fifo.out" --pid="$fresh_pid" | {
		read -r _
		date +%s.%N >"$FILES/before"
		echo go >&6
		read -r guest
		date +%s.%N >"$FILES/after"
		echo "$guest" >"$FILES/guest"
		cat >/dev/null
	}
	exec 6>&-
	wait "$fresh_pid"
	echo $? >"$VMS/fresh1.status"
}

IDENTITY='cd /proc/sys/kernel/random; cat uuid; sed -n "s/ .*\[stack\]/ stack/p" /proc/self/maps; cat boot_id'

fresh_two() {
	warm fresh2 -- sh -c "$IDENTITY"
}

test_each_kind_of_run_says_the_same_cold_and_warm() {
	for kind in pass rich signal died rejected stall panic lost tests warned; do
		look "warm.$kind"
		assert_value start warm
		assert_value_matches snapshot_age_secs '^[0-9]+$'
		assert_valid "$result"
		assertEquals "exit code of $kind" "$(cat "$VMS/cold.$kind.status")" "$status"
		"$KT_PYTHON" "$KT_TOP/test/tools/same_result.py" "$VMS/cold.$kind" "$VMS/warm.$kind" >differ
		kt_verdict $? "cold and warm $kind differ: $(cat differ)"
		assert_matches ', warm \(the saved guest is [0-9]+ [a-z]+ old\)$' "$err"
		look "cold.$kind"
		assert_value start cold
		assert_value snapshot_age_secs null
	done
}

# The comparison itself must be able to fail.
test_other_results_differ() {
	"$KT_PYTHON" "$KT_TOP/test/tools/same_result.py" "$VMS/cold.signal" "$VMS/warm.died" >differ
	assertEquals "status" 1 $?
	assert_matches '^verdict: ' differ
}

test_what_the_guest_wrote_before_it_was_saved_is_in_the_artifacts() {
	look warm.pass
	assert_matches 'Linux version' "$art/console.log"
	assert_matches 'Run /init as init process' "$art/console.log"
	assert_matches 'Linux version' "$art/kmsg"
	assert_value complete true
}

test_a_run_that_hangs_ends_at_its_limit() {
	look timeout
	assert_verdict timeout 204
	assert_value start warm
	assert_matches 'ready' "$out"
	assertTrue "hang.txt" "[ -s $art/hang.txt ]"
}

test_a_breakpoint_that_is_over_makes_the_run_cold() {
	look break
	assert_verdict pass 0
	assert_value start cold
	assert_matches '^ktrun: a cold run: break=kernel_log: ' "$err"
}

test_a_large_file_arrives_as_it_is() {
	look included
	assert_value start warm
	assertEquals "digest" "$(sha256sum <"$FILES/large")" "$(cat "$out")"
}

test_the_clock_is_the_hosts() {
	"$KT_PYTHON" -c 'import sys
before, guest, after = (float(open(name).read()) for name in sys.argv[1:])
sys.exit(not before - 1 <= guest <= after + 1)' "$FILES/before" "$FILES/guest" "$FILES/after"
	kt_verdict $? "guest $(cat "$FILES/guest"), host $(cat "$FILES/before") to $(cat "$FILES/after")"
}

test_two_runs_of_one_snapshot_draw_other_random_numbers() {
	tail -n 3 "$VMS/fresh1.fifo.out" >one
	tail -n 3 "$VMS/fresh2.out" >two
	for line in 1 2 3; do
		assertNotEquals "line $line" "$(sed -n "${line}p" one)" "$(sed -n "${line}p" two)"
	done
	assert_matches ' stack$' one
	assertEquals "lines" "3 3" "$(wc -l <one) $(wc -l <two)"
}

test_the_pause_is_no_lockup_and_no_stall() {
	for kind in rich died stall; do
		assert_no_match 'soft lockup|rcu.*(stall|detected)|clocksource.*unstable|hung_task' "$VMS/warm.$kind/console.log"
	done
}

test_a_state_that_qemu_refuses_makes_the_run_cold_and_goes() {
	state=$(find "$CACHE" -name state | head -n 1)
	head -c 4000 "$state" >state.begin
	cat state.begin >"$state"
	forge_record "${state%/state}"
	warm refused -- sh -c 'exit 7'
	look refused
	assert_verdict fail 7
	assert_value start cold
	assertEquals "lines: $(cat "$err")" 1 \
		"$(grep -c '^ktrun: a cold run, not a warm one: the snapshot can.t be resumed: ' "$err")"
	assertFalse "the snapshot is still there" "[ -e $state ]"
	assert_nothing_left refused
}

# forge_record SNAPSHOT: its files, as they are now, become what was made.
forge_record() {
	"$KT_PYTHON" -ISXutf8 -B -c 'import dataclasses, sys
sys.path.insert(0, sys.argv[2])
from launcher.warm import snapshot
from launcher.lib.records import to_json
record = snapshot._read_record(sys.argv[1])
files = tuple(snapshot._state_of(sys.argv[1], state.name) for state in record.files)
open(sys.argv[1] + "/snapshot.json", "wb").write(to_json(dataclasses.replace(record, files=files)))' "$1" "$KT_TOP/host"
}

test_eight_at_once_save_one_guest() {
	run "$KTRUN" --warm-clear
	assert_status 0
	for number in $(seq "$AT_ONCE"); do
		(warm "at_once$number" -c 1 -m 128 -- true) &
	done
	wait
	for number in $(seq "$AT_ONCE"); do
		look "at_once$number"
		assert_verdict pass 0
		assert_value start warm
	done
	run "$KTRUN" --warm-list
	assertEquals "saved guests: $(cat out)" 1 "$(wc -l <out)"
}

. shunit2
