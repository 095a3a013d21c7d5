# SPDX-License-Identifier: GPL-2.0-only
#
# Title: /init's own cost: from its first line to the payload's first instruction
#
# In guest time. Under -icount the guest's clock counts instructions (2 ns each), so that figure does not depend on the
# load of the machine.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

reach() { # FILE ARG...: microseconds as the payload prints them, in ms
	reach_file=$1
	shift
	"$KTRUN" -q -o "$PWD/out" -i "$PWD/mark" "$@" -- mark 2>reach.err >reach.out || {
		cat reach.err >&2
		return 1
	}
	awk '{ print $1 / 1000 }' reach.out >>"$reach_file"
}

plain() { reach without; }
with_scheduler() { reach with -s "$KT_TOP/build/scx_demo"; }

helper mark
in_turns "$(runs 7 2)" plain with_scheduler || exit 1
reach counted --qemu-arg -icount --qemu-arg shift=1,sleep=off &&
	awk '{ print $1 / 2 }' counted >instructions
row 'without a scheduler' ms without - '<=200'
row 'with a scheduler: its load and attach too' ms with - -
row 'without a scheduler, instructions of the guest' M instructions - -
