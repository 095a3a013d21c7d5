#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# demo-run.sh: show what ktbox does, in two runs of the demo scheduler on a real kernel. In the first run it schedules
# a payload successfully. In the second it dies half a second after its attach, and the summary shows why.
# In:   host/ktrun, build/scx_demo and what ktrun boots.
# Out:  the output of both runs; their artifacts under build/runs/.
# Exit: 0 both ended as expected; 1 one did not.

set -eu

cd "$(dirname "$0")/.."
failed=0

demo() { # WANTED TITLE KTRUN-ARGUMENT...: compares the exit code of ktrun with WANTED
	wanted=$1
	printf '\n=== %s\n' "$2"
	shift 2
	code=0
	host/ktrun -s build/scx_demo "$@" || code=$?
	if [ "$code" = "$wanted" ]; then
		echo "=== ktrun ended with $code, as expected"
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
	echo "Both runs ended as expected."
else
	echo "A run did not end as expected: see above."
fi
exit "$failed"
