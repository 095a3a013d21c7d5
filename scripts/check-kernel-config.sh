#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# check-kernel-config.sh CONFIG: can a kernel with this configuration run ktbox's guest?
# In:   CONFIG, a kernel's .config; KT_ARCH. Each option below must be built in: the initramfs has no modules.
# Out:  one line on stdout for each option that is not: its name, its state, and what it is needed for.
# Exit: 0 all are there; 1 at least one is not; 2 CONFIG can't be read.

set -eu

config=${1:?usage: check-kernel-config.sh CONFIG}
[ -r "$config" ] || {
	echo "check-kernel-config: unable to read $config" >&2
	exit 2
}

case ${KT_ARCH:-x86_64} in
aarch64) console=CONFIG_SERIAL_AMBA_PL011_CONSOLE ;;
*) console=CONFIG_SERIAL_8250_CONSOLE ;;
esac

needed() { # option, and what for
	cat <<-END
		CONFIG_SCHED_CLASS_EXT     schedulers written in BPF (sched_ext)
		CONFIG_VIRTIO_CONSOLE      the ports that results and wake bytes go through
		CONFIG_VIRTIO_PCI          the bus of these ports
		$console the kernel's console
		CONFIG_BLK_DEV_INITRD      the initramfs
		CONFIG_BINFMT_SCRIPT       /init, a shell script
		CONFIG_DEVTMPFS            the device files in /dev
	END
}

needed | (
	status=0
	while read -r option purpose; do
		if grep -q "^$option=y" "$config"; then continue; fi
		state="is not set"
		if grep -q "^$option=m" "$config"; then state="is a module, not built in"; fi
		echo "$option $state: needed for $purpose"
		status=1
	done
	exit "$status"
)
