# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Dumps: from the first to the last byte on the host
#
# The baseline is what `cat trace_pipe` into a guest's tmpfs file takes for the same dump, at ktpipe's
# priority.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

# One VM a sample: thousands of tasks that never sleep keep the kernel's own watchdog from a CPU, and when both
# dumps are there the kernel may eject the scheduler: that is no failure here.
one_vm() { # TASKS
	mkdir out
	(while [ ! -s out/bulk.bin ] && [ -d out ]; do "$BB" ktlatch wait -t 0.1 never_set; done
		"$KT_PYTHON" "$BENCH/arrivals.py" out/bulk.bin >arrived) &
	watcher=$!
	"$KTRUN" -q -m 1024 -t 200 -o "$PWD/out" -s "$KT_TOP/build/scx_demo" -i "$PWD/spin" -i "$PWD/drain" \
		-i "$BENCH/guest_dump.sh" -- sh /include-files/guest_dump.sh "$1" >cat.out 2>guest.err
	grep -q '^cat: ' cat.out || { cat guest.err >&2; rm -rf out; return 1; }
	wait "$watcher"
	sed -n 's/^cat: \([0-9]*\) .*/\1/p' cat.out >>"cat.$1"
	sed -n 2p arrived >>"alone.$1" # the second dump was ktpipe's alone
	[ "$(value dumps_complete out)" = true ] || wholeness='NOT COMPLETE'
	rm -rf out
}

dumps() { # TASKS TIMES
	wholeness='all complete'
	for run in $(seq "$2"); do one_vm "$1" || return 1; done
	row "$1 tasks ($wholeness, $(sed -n 's/^cat: [0-9]* //p' cat.out) bytes)" ms "alone.$1" "cat.$1" "$3"
}

KT_RUN_DIR=$PWD/latches
export KT_RUN_DIR
helper spin
helper drain
[ -n "${BENCH_QUICK:-}" ] || dumps 1 5 - || exit 1 # a millisecond, which is what the clocks tell
for tasks in $(runs '100 1000 2000 4000' '100 2000'); do
	dumps "$tasks" "$(runs 5 1)" '<=1.2' || exit 1
done
