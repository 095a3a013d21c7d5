# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: the modules that ktrun packed, in its order (/.ktbox/modules): what a kernel does not have built in
#        and the following phases need.

modules() {
	[ -e "$ROOT/.ktbox/modules" ] || return 0
	while read -r module; do
		insmod "$ROOT/.ktbox/modules.d/$module.ko" || fail modules "$module was not taken by this kernel"
	done <"$ROOT/.ktbox/modules"
	rm -rf "$ROOT/.ktbox/modules.d"
}
