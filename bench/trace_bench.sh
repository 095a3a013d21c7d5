# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Flight recorder (the baseline: the same guest without --trace)
#
# Two tasks that pass a byte to and fro switch as often as tasks can: `perf bench sched pipe`, in resumed guests, in
# turns, so that the load of the machine is the same for both. perf itself says how long it took.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

loops=$(runs 60000 20000)

# us_per_op FILE OPTION...: appends what a pass of the byte took.
us_per_op() {
	sample=$1
	shift
	"$KTRUN" -q --warm -t 300 -o "$PWD/out" -i perf "$@" \
		-- perf bench -f simple sched pipe -l "$loops" >perf.out || return
	awk -v loops="$loops" '/^[0-9.]+$/ { print $1 * 1000000 / loops; found = 1 }
		END { exit !found }' perf.out >>"$sample"
}

for _ in $(seq "$(runs 7 3)"); do
	us_per_op none.cfs || exit 1
	us_per_op trace.cfs --trace || exit 1
	us_per_op none.demo -s "$KT_TOP/build/scx_demo" || exit 1
	us_per_op trace.demo -s "$KT_TOP/build/scx_demo" --trace || exit 1
done
row "perf bench sched pipe with --trace, the kernel's own scheduler" us trace.cfs none.cfs '<=1.3'
row 'the same, the demo scheduler' us trace.demo none.demo '<=1.3'
