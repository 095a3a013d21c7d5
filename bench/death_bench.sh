# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Death to verdict: from the scheduler's SIGKILL to the sched-exit frame, in the guest
#
# ktexitmon sends the log's block and a sched-state frame before; the baseline polls a pidfd and writes 20
# bytes.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

deaths() { # NAME COUNT SPINNERS
	# shellcheck disable=SC2016  # for the guest's shell
	"$KTRUN" -q -t 200 -o "$PWD/out" -i "$PWD/death" -i "$PWD/spin" -- sh -c '
		[ "$2" = 0 ] || { mkfifo /tmp/said; spin "$2" >/tmp/said & read -r crowd </tmp/said; }
		chrt -f 50 /include-files/death "$1" ${crowd:-}' sh "$2" "$3" >"$1" 2>"$1.err" || { cat "$1.err" >&2; return 1; }
	awk '{ print $1 / 1000 }' "$1" >"$1.ours"
	awk '{ print $2 / 1000 }' "$1" >"$1.bare"
	for side in ours bare; do
		sort -n "$1.$side" | awk '{ at[NR] = $1 } END { print at[int(NR * 0.99 + 0.999)] }' >"$1.$side.p99"
	done
}

helper death
helper spin
deaths idle "$(runs 200 20)" 0 && deaths busy "$(runs 40 5)" 2000 || exit 1
row 'idle, p50' ms idle.ours idle.bare '<=1.8'
row 'idle, p99' ms idle.ours.p99 idle.bare.p99 '<=1.5'
row '2 000 runnable tasks, p50' ms busy.ours busy.bare '<=1.5'
row '2 000 runnable tasks, p99' ms busy.ours.p99 busy.bare.p99 '<=1.5'
