# SPDX-License-Identifier: GPL-2.0-only
#
# Title: The cost of figures: programs that do little but switch, with the option and without it
#
# The guest's time under -icount, in which its clock counts instructions: on a busy machine a ratio of two wall times
# has an error of more than what is measured. In turns nevertheless. A run lasts for seconds of the guest, so that it
# has as many samples and windows per second as a long one.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

# Each way to run: its name and its option. Another option that costs something gets a line here.
list_ways() {
	echo 'plain '
	echo 'stats --stats'
	echo 'stats-all --stats-all'
}

programs='perf bench sched pipe -l 100000; hackbench -g 2 -f 5 -l 5000'

once() { # NAME [OPTION]
	# shellcheck disable=SC2086 # an option or none
	"$KTRUN" -q -o "$PWD/out" -m 1024 -t 600 ${2:-} -i perf -i hackbench --qemu-arg -icount --qemu-arg shift=1,sleep=off \
		-- sh -c "$programs" </dev/null >run.out 2>run.err || { cat run.err >&2; return 1; }
	sed -n 's/^ *\([0-9.]*\) usecs\/op$/\1/p' run.out >>"pipe.$1"
	sed -n 's/^Time: \([0-9.]*\)$/\1/p' run.out >>"hackbench.$1"
}

for program in perf hackbench; do
	command -v "$program" >/dev/null || { echo "bench: no program $program: packages linux-perf, rt-tests" >&2; exit 1; }
done
list_ways >ways
for _ in $(seq "$(runs 3 1)"); do
	while read -r name option; do
		once "$name" "$option" || exit 1
	done <ways
done
row 'perf bench sched pipe, an operation, --stats' us pipe.stats pipe.plain '<=1.05'
row 'hackbench, --stats' s hackbench.stats hackbench.plain '<=1.05'
row 'perf bench sched pipe, an operation, --stats-all' us pipe.stats-all pipe.plain -
row 'hackbench, --stats-all' s hackbench.stats-all hackbench.plain -
