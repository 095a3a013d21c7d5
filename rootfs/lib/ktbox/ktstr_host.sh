# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: what only ktstr's host needs: the kernel's addresses, for reading the guest's memory, and the relay to the
#        scheduler's statistics. ktrun passes ktbox.host=ktrun to skip this: reading kallsyms takes a while.

STATS_SOCKET=/var/run/scx/root/stats

ktstr_host() {
	[ -z "$HOST_IS_KTRUN" ] || return 0
	kern_addrs &
	ktrelay ktstr-stats "$ROOT$STATS_SOCKET" &
}

# 0 means unknown. 0 is an address too, so the first and the third number are the address plus 1.
kern_addrs() {
	if [ "$(uname -m)" != x86_64 ]; then # the arithmetic below is for x86_64's memory map
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
	# phys_base of arch/x86/kernel: the physical address of _text minus its offset in the kernel's mapping. It is
	# negative if KASLR moved the mapping by more than the memory's size. Shell arithmetic is signed 64-bit, so only
	# the low half of each address is computed with.
	low=${text#ffffffff}
	phys_base=$((0x$code - (0x$low - 0x80000000)))
	ktsend kern-addrs "$(printf 0x%x $((phys_base + 1)))" "0x${base:-0}" "0xffffffff$(printf %08x $((0x$low + 1)))"
}

symbol() { # NAME
	grep -m 1 " $1\$" "$ROOT/proc/kallsyms" | cut -d ' ' -f 1
}
