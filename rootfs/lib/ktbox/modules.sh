# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: load the kernel modules that ktrun packed, in the order of /.ktbox/modules. Later phases need what this
#        kernel does not have built in.

modules() {
	[ -e "$ROOT/.ktbox/modules" ] || return 0
	while read -r module; do
		insmod "$ROOT/.ktbox/modules.d/$module.ko" || fail modules "the kernel refused $module"
	done <"$ROOT/.ktbox/modules"
	rm -rf "$ROOT/.ktbox/modules.d"
}
