# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Footprint
#
# The binary is compared with the same configuration without the kt applets (make build/bb-plain/busybox).

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

one() { # WHAT UNIT NUMBER LIMIT
	echo "$3" >one
	row "$1" "$2" one - "$4"
}

bloat() {
	plain=$(find "$KT_TOP/build/bb-plain" -name busybox_unstripped | head -n 1)
	ours=$(find "$KT_TOP/build/bb" -name busybox_unstripped | head -n 1)
	meter=$(find "$KT_TOP/build/bb" -path '*scripts/bloat-o-meter' | head -n 1)
	if [ -z "$plain" ] || [ -z "$ours" ] || [ -z "$meter" ]; then
		echo "bench: no plain BusyBox to compare with" >&2
		return
	fi
	one 'kt applets, by bloat-o-meter' bytes \
		"$("$KT_PYTHON" "$meter" "$plain" "$ours" | sed -n 's/.*Total: *\([0-9-]*\) bytes.*/\1/p' | tail -n 1)" -
}

smallest_memory() {
	for mib in 128 160 192 224 256 320 384; do
		if "$KTRUN" -q -m "$mib" -o "$PWD/out" "$@" -- true >mem.out 2>&1; then
			echo "$mib"
			return
		fi
	done
}

bloat
one 'busybox, stripped' bytes "$(stat -c %s "$BB")" -
one 'initramfs.cpio' bytes "$(stat -c %s "$KT_TOP/build/initramfs.cpio")" -
seconds=$(runs 60 10)
"$KTRUN" -q -t 200 -o "$PWD/out" -s "$KT_TOP/build/scx_demo" -i "$BENCH/guest_footprint.sh" -- \
	sh /include-files/guest_footprint.sh "$seconds" >daemons 2>guest.err || { cat guest.err >&2; exit 1; }
while read -r name rss own wakeups; do
	one "$name: RSS, $own KiB of it its own" KiB "$rss" -
	one "$name: wakeups in $seconds s of nothing" '' "$wakeups" '<=0'
done <daemons
one 'smallest -m that passes (128 is the least allowed)' MiB "$(smallest_memory)" -
one 'the same with a scheduler' MiB "$(smallest_memory -s "$KT_TOP/build/scx_demo")" -
