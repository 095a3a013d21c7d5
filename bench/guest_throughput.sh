# SPDX-License-Identifier: GPL-2.0-only
#
# guest_throughput.sh MIB: a payload. In: the inherited port. Out: "port: DD KTDUMP KTEXEC", milliseconds
# that the
# same bytes took into the port, at the end of its own output. The best of nothing: each once, in this order.

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

TOOK=
mount -o remount,size=90% /tmp
dd if=/dev/urandom of=/tmp/log bs=1M count="$1" 2>/dev/null
ktdump -p /tmp/frames /tmp/log
took raw
took ktdump /tmp/log
took ktexec cat /tmp/log
echo
echo "port:$TOOK"
