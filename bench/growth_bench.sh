# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Growth: logs, CPUs, VMs at once (dumps of 1 to 4 000 tasks are among the dumps)
#
# The baseline of each is the smallest of its kind.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

# The scheduler ends when all of its log is written, and the payload with it.
logs() { # BYTES
	"$KTRUN" -q -t 400 -m 1024 --max-output 64G -o "$PWD/out" -s "$KT_TOP/build/scx_demo" --expect-death \
		-a "--noise $1 --exit-after 0 0" -- ktlatch wait sched_exited >log.out 2>&1
	[ "$(value sched_log_bytes out)" -gt "$1" ] || { cat log.out >&2; return 1; }
	value wall_ms out >"log.$1"
	row "a scheduler's log of $1 bytes" ms "log.$1" log.1 -
	rm -rf out
}

cpus() { # COUNT
	for run in $(seq "$(runs 3 1)"); do
		take_ms "cpus.$1" "$KTRUN" -q -t 400 -c "$1" -m 1024 -o "$PWD/out" -- true || return 1
	done
	row "ktrun -c $1 -- true" ms "cpus.$1" cpus.1 -
}

several() { # COUNT
	for vm in $(seq "$1"); do
		"$KTRUN" -q -t 400 -m 256 -o "$PWD/vm$vm" -- true || echo "bench: VM $vm of $1 failed" >&2 &
	done
	wait
}

for bytes in $(runs '1 1000000 16000000 64000000 256000000 1000000000' '1 1000000'); do logs "$bytes" || exit 1; done
for count in $(runs '1 2 4 8 16 32 64' '1 2 4'); do cpus "$count" || exit 1; done
for count in $(runs '1 2 4 8' '1 2'); do
	for run in $(seq "$(runs 3 1)"); do take_ms "vms.$count" several "$count" || exit 1; done
	row "$count VMs at once, all to their end" ms "vms.$count" vms.1 -
done
