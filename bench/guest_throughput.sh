# SPDX-License-Identifier: GPL-2.0-only
#
# guest_throughput.sh MIB ROUNDS: a payload.
# In:   the inherited port.
# Out:  at the end of its own output ROUNDS lines "port: DD KTDUMP KTEXEC": the milliseconds that the same bytes took
#       into the port by each of them, in turns.

now_ms() {
	read -r up rest </proc/uptime
	NOW_MS=$((${up%.*} * 1000 + (1${up#*.} - 100) * 10))
}

took() { # COMMAND...
	now_ms
	from=$NOW_MS
	"$@"
	now_ms
	TOOK="$TOOK $((NOW_MS - from))"
}

# Frames that are ready: the reader takes them like the others.
# shellcheck disable=SC2261  # one of the two is stdout's
raw() {
	dd if=/tmp/frames bs=32k >&"$KT_PORT_FD" 2>/dev/null
}

mount -o remount,size=90% /tmp
dd if=/dev/urandom of=/tmp/log bs=1M count="$1" 2>/dev/null
ktdump -p /tmp/frames /tmp/log
for _ in $(seq "$2"); do
	TOOK=
	took raw
	took ktdump /tmp/log
	took ktexec cat /tmp/log
	echo "port:$TOOK" >>/tmp/took
done
echo
cat /tmp/took
