#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# check-kernel-config.sh CONFIG: check that a kernel with this configuration can run ktbox's guest.
# In:   CONFIG, a kernel's .config; KT_ARCH. Each option below must be built in: the base initramfs has no modules.
# Out:  one line on stdout per option that is not built in: its name, its state, and what it is needed for.
# Exit: 0 all are built in; 1 at least one is not; 2 CONFIG cannot be read.

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

needed() { # the options and their purposes
	cat <<-END
		CONFIG_SCHED_CLASS_EXT     schedulers written in BPF (sched_ext)
		CONFIG_VIRTIO_CONSOLE      the ports for results and wake bytes
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
