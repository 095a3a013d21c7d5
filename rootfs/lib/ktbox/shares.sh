# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: mount directories of the host (/.ktbox/shares: MODE TAG PATH). A failing mount ends the run: without the
#        directory the payload would test something else.

shares() {
	[ -e "$ROOT/.ktbox/shares" ] || return 0
	while read -r mode tag directory; do
		mkdir -p "$ROOT$directory"
		mount -t 9p -o "$mode,trans=virtio,version=9p2000.L,msize=262144" "$tag" "$ROOT$directory" ||
			fail shares "cannot mount $directory: does this kernel have virtio-9p?"
	done <"$ROOT/.ktbox/shares"
}
