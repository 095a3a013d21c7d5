# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Warm start (the baselines: the same kernel to an init that powers off; a cold run; a cold matrix)
#
# The saved guest is there before the first sample.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

count=$(runs 11 3)
cells=$(runs 20 4)

bare() { take_ms bare.ms sh bare.sh; }
warm() { take_ms warm.ms "$KTRUN" -q --warm -- true; }
cold() { take_ms cold.ms "$KTRUN" -q --cold -- true; }
warm_demo() { take_ms warm.demo "$KTRUN" -q --warm -s "$KT_TOP/build/scx_demo" -- true; }
cold_demo() { take_ms cold.demo "$KTRUN" -q --cold -s "$KT_TOP/build/scx_demo" -- true; }
warm_matrix() { take_ms warm.matrix matrix --warm; }
cold_matrix() { take_ms cold.matrix matrix --cold; }

# A matrix of the same cell; its directory is new each time, or it would have nothing to run.
matrix() { # OPTION
	rm -rf matrix.out
	"$KTRUN" -q "$1" --matrix matrix.txt -o "$PWD/matrix.out"
}

bare_command
printf 'topology = 1,1,2,1\npayload = true true\nrepeat = %s\n' "$cells" >matrix.txt
"$KTRUN" -q --warm -o "$PWD/out" -- true || exit 1
[ "$(value start out)" = warm ] || { echo "bench: the run was not warm" >&2; exit 1; }
in_turns "$count" bare warm cold warm_demo cold_demo && in_turns "$(runs 3 1)" warm_matrix cold_matrix || exit 1
row 'ktrun --warm -q -- true, against a bare boot' ms warm.ms bare.ms '<=0.40'
row 'the same, against the cold run' ms warm.ms cold.ms -
row 'with the demo scheduler, against the cold run' ms warm.demo cold.demo '<=0.6'
row "a matrix of $cells cells, against a cold one" ms warm.matrix cold.matrix '<=0.5'
