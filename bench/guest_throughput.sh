# SPDX-License-Identifier: GPL-2.0-only
#
# guest_throughput.sh MIB ROUNDS: a payload.
# In:   the inherited port.
# Out:  at the end of its own output lines "port: WAY MILLISECONDS": what the same bytes took into the port by each way,
#       ROUNDS times, in each place of a round equally often.

now_ms() {
	read -r up rest </proc/uptime
	NOW_MS=$((${up%.*} * 1000 + (1${up#*.} - 100) * 10))
}

take() { # WAY
	now_ms
	from=$NOW_MS
	"$1"
	now_ms
	echo "port: $1 $((NOW_MS - from))" >>/tmp/took
}

# Frames that are ready: the reader takes them like the others.
# shellcheck disable=SC2261  # one of the two is stdout's
by_dd() {
	dd if=/tmp/frames bs=32k >&"$KT_PORT_FD" 2>/dev/null
}

by_ktdump() {
	ktdump /tmp/log
}

by_ktexec() {
	ktexec cat /tmp/log
}

mount -o remount,size=90% /tmp
dd if=/dev/urandom of=/tmp/log bs=1M count="$1" 2>/dev/null
ktdump -p /tmp/frames /tmp/log
set -- "$2" by_dd by_ktdump by_ktexec
for _ in $(seq "$1"); do
	for way in "$2" "$3" "$4"; do take "$way"; done
	set -- "$1" "$3" "$4" "$2"
done
echo
cat /tmp/took
