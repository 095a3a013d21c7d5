# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: what only the reference's host asks for: the kernel's addresses, to look into the guest's memory,
#        and the relay to the scheduler's statistics. ktrun says ktbox.host=ktrun and does without: reading
#        kallsyms takes a while.

STATS_SOCKET=/var/run/scx/root/stats

ktstr_host() {
	[ -z "$HOST_IS_KTRUN" ] || return 0
	kern_addrs &
	ktrelay ktstr-stats "$ROOT$STATS_SOCKET" &
}

# 0 stands for unknown; the first and the third number are one more than the address, since 0 is an
# address too.
kern_addrs() {
	if [ "$(uname -m)" != x86_64 ]; then # the arithmetic below is of its memory map
		ktsend kern-addrs 0 0 0
		return
	fi
	text=$(symbol _text)
	base=$(symbol page_offset_base)
	code=$(sed -n 's/^ *\([0-9a-f]*\)-.*: Kernel code$/\1/p' "$ROOT/proc/iomem")
	if [ -z "$text" ] || [ -z "$code" ]; then
		ktsend kern-addrs 0 "0x${base:-0}" 0
		return
	fi
	# where _text is in memory, less where it is from the start of the kernel's mapping: phys_base of
	# arch/x86/kernel; below 0 when KASLR moved the mapping further than the memory. A shell's numbers are signed,
	# and not each has room for those of addresses.
	low=${text#ffffffff}
	phys_base=$((0x$code - (0x$low - 0x80000000)))
	ktsend kern-addrs "$(printf 0x%x $((phys_base + 1)))" "0x${base:-0}" "0xffffffff$(printf %08x $((0x$low + 1)))"
}

symbol() { # NAME
	grep -m 1 " $1\$" "$ROOT/proc/kallsyms" | cut -d ' ' -f 1
}
