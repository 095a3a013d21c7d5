# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# bench.sh: what the files of this folder share: samples, rows, runs of ktrun.
# In:   the environment that `run` makes. Samples are files with a number a line.
# Out:  rows in $ROWS, with tabs: what, unit, median least most (ours), the same of the baseline or "-", ratio
#       of the medians or "-", limit, "ok", "missed" or "-".

runs() { # FULL QUICK: how many samples
	if [ -n "${BENCH_QUICK:-}" ]; then echo "$2"; else echo "$1"; fi
}

now_ms() {
	date +%s%3N
}

# Appends to FILE how many milliseconds COMMAND took; false when it failed.
take_ms() { # FILE COMMAND ARG...
	sample_file=$1
	shift
	sample_from=$(now_ms)
	"$@" </dev/null >sample.out 2>&1 || { cat sample.out >&2; return 1; }
	echo $(($(now_ms) - sample_from)) >>"$sample_file"
}

# COUNT rounds with a sample by each SAMPLER, a function, in a new order each time. What always comes second has the
# memory that the first has just freed: of one command in two fixed places, one was 7 % slower than the other. False
# when one of them failed.
in_turns() { # COUNT SAMPLER...
	rounds=$(seq "$1")
	shift
	for _ in $rounds; do
		for sampler in $(shuf -e "$@"); do "$sampler" || return 1; done
	done
}

# LIMIT is on the ratio, or without a baseline ("-") on the median: "<=1.15", ">=0.9", or "-".
row() { # WHAT UNIT OURS BASELINE LIMIT
	[ -s "$3" ] || { echo "bench: no samples of: $1" >&2; return 1; }
	sort -n "$3" >row.ours
	: >row.base
	[ "$4" = - ] || sort -n "$4" >row.base
	awk -v what="$1" -v unit="$2" -v limit="$5" -f "$BENCH/row.awk" row.ours row.base >>"$ROWS"
}

value() { # KEY DIR: from a run's result.json
	sed -n "s/^  \"$1\": //p" "$2/result.json" | sed 's/,$//; s/^"\(.*\)"$/\1/'
}

helper() { # NAME: a small static program of this folder, in the current one
	[ -x "$1" ] || musl-gcc -static -O2 -o "$1" "$BENCH/$1.c"
}

# bare.sh boots ktrun's own machine, with an init that powers off at once.
bare_command() {
	mkdir -p bare root
	musl-gcc -static -Os -o root/init "$KT_TOP/test/vm/bare-init.c"
	(cd root && find . | cpio -o -H newc --quiet) >bare/initramfs.cpio
	[ -p bare/hvc0.in ] || mkfifo bare/hvc0.in bare/hvc0.out bare/ctl.in bare/ctl.out
	"$KTRUN" -n -o "$PWD/bare" -- true 2>/dev/null | sed "s|[^ =,]*/ktrun\.XXXXXX/|$PWD/bare/|g" >bare.sh
}
