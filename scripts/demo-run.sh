#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# demo-run.sh: show what ktbox is for, on a real kernel, in two runs of the demo scheduler. In the first it
# schedules a payload and all is well; in the second it dies half a second after its attach, and the report
# tells the truth about it.
# In:   host/ktrun, build/scx_demo and what ktrun boots.
# Out:  what both runs print; their artifacts under build/runs/.
# Exit: 0 both came out as they must; 1 one did not.

set -eu

cd "$(dirname "$0")/.."
failed=0

demo() { # WANTED TITLE KTRUN-ARGUMENT...: run it, and compare ktrun's exit code with WANTED
	wanted=$1
	printf '\n=== %s\n' "$2"
	shift 2
	code=0
	host/ktrun -s build/scx_demo "$@" || code=$?
	if [ "$code" = "$wanted" ]; then
		echo "=== ktrun ended with $code, as it must"
	else
		echo "=== ktrun ended with $code, but $wanted was expected"
		failed=1
	fi
}

# shellcheck disable=SC2016  # expanded by the guest's shell
demo 0 "1. The demo scheduler runs a payload" -- \
	sh -c 'echo "kernel $(uname -r), scheduler $(cat /sys/kernel/sched_ext/root/ops), $(nproc) CPUs"'

demo 202 "2. The demo scheduler calls scx_bpf_error() in the middle of a payload" -a "--error-after 500" -- \
	sh -c 'echo "this payload keeps a CPU busy and never ends"; exec yes >/dev/null'

echo
if [ "$failed" = 0 ]; then
	echo "Both runs came out as they must."
else
	echo "Not as expected: see above."
fi
exit "$failed"
