# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: folders of the host (/.ktbox/shares: MODE TAG PATH). Without one of them the payload would test
#        something else.

shares() {
	[ -e "$ROOT/.ktbox/shares" ] || return 0
	while read -r mode tag folder; do
		mkdir -p "$ROOT$folder"
		mount -t 9p -o "$mode,trans=virtio,version=9p2000.L,msize=262144" "$tag" "$ROOT$folder" ||
			fail shares "$folder can't be mounted: does this kernel have virtio-9p?"
	done <"$ROOT/.ktbox/shares"
}
