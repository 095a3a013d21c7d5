# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Dumps: from the first to the last byte on the host
#
# The baseline is what `cat trace_pipe` into a guest's tmpfs file takes for the same dump, at ktpipe's
# priority.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

dumps() { # TASKS TIMES
	mkdir out
	: >out/bulk.bin
	rm -f out/bulk.bin
	(while [ ! -s out/bulk.bin ] && [ -d out ]; do "$BB" ktlatch wait -t 0.1 never_set; done
		"$KT_PYTHON" "$BENCH/arrivals.py" out/bulk.bin >"arrived.$1") &
	watcher=$!
	"$KTRUN" -q -m 1024 -t 200 -o "$PWD/out" -s "$KT_TOP/build/scx_demo" -i "$PWD/spin" -i "$PWD/drain" \
		-i "$BENCH/guest_dump.sh" -- sh /include-files/guest_dump.sh "$1" "$2" >cat.out 2>guest.err ||
		{ cat guest.err >&2; kill "$watcher"; rm -rf out; return 1; }
	wait "$watcher"
	sed -n 's/^cat: \([0-9]*\) .*/\1/p' cat.out >"cat.$1"
	sed -n 'n; p' "arrived.$1" >"alone.$1" # every second dump was ktpipe's alone
	wholeness=$(value dumps_complete out | sed 's/true/all complete/; s/false/NOT COMPLETE/')
	row "$1 tasks ($wholeness, $(sed -n 's/^cat: [0-9]* //p' cat.out | tail -n 1) bytes)" \
		ms "alone.$1" "cat.$1" '<=1.2'
	rm -rf out
}

KT_RUN_DIR=$PWD/latches
export KT_RUN_DIR
helper spin
helper drain
for tasks in $(runs '1 100 1000 2000 4000' '100 2000'); do
	dumps "$tasks" "$(runs 3 1)" || exit 1
done
