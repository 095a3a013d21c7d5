# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: mount directories of the host (/.ktbox/shares: TYPE MODE TAG PATH; TYPE is 9p or virtiofs). With --host-root,
#        PATH is one of the host's root. A failing mount ends the run: without the directory the payload would test
#        something else.

shares() {
	[ -e "$ROOT/.ktbox/shares" ] || return 0
	while read -r type mode tag directory; do
		mkdir -p "${HOST_ROOT:-$ROOT}$directory"
		mount_share "$type" "$mode" "$tag" "${HOST_ROOT:-$ROOT}$directory" ||
			fail shares "cannot mount $directory: does this kernel have $(driver_of "$type")?"
	done <"$ROOT/.ktbox/shares"
}

driver_of() { # TYPE
	if [ "$1" = 9p ]; then echo virtio-9p; else echo "$1"; fi
}

mount_share() { # TYPE OPTIONS TAG DIRECTORY
	case $1 in
	9p) mount -t 9p -o "$2,trans=virtio,version=9p2000.L,msize=262144" "$3" "$4" ;;
	*) mount -t "$1" -o "$2" "$3" "$4" ;;
	esac
}
