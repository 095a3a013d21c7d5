# Where the parts of ktbox lie, and where a run may leave things.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   ktrun works from its own tree and from an installed copy (make install), which it must never write
#        to. An installed copy has the file "version" beside host/; a tree has config.mk there.
# In:    top; HOME, XDG_STATE_HOME, XDG_CACHE_HOME. Out: parts (the built files), bb (busybox), runs (new
#        folders of artifacts), cache (what is remembered from run to run), default_kernel (may be empty).
#        Exit: none.
# shellcheck disable=SC2034,SC2154

places() {
	if is_installed; then installed_places; else tree_places; fi
	bb=$parts/busybox
}

is_installed() {
	[ -r "$top/version" ]
}

tree_places() {
	parts=$top/build
	runs=$top/build/runs
	cache=$top/build
	default_kernel=$top/build/kernel/image
}

# An absolute folder or none, as the XDG base directory specification has it. A user without a home gets the
# artifacts in the current folder, and nothing is remembered.
installed_places() {
	parts=$top
	runs=$(under_home "${XDG_STATE_HOME:-}" .local/state)
	runs=${runs:+$runs/ktbox/runs}
	runs=${runs:-$PWD/ktbox-runs}
	cache=$(under_home "${XDG_CACHE_HOME:-}" .cache)
	cache=${cache:+$cache/ktbox}
	default_kernel=''
}

under_home() { # FOLDER DEFAULT
	case $1 in
	/*) printf %s "$1" ;;
	*) printf %s "${HOME:+$HOME/$2}" ;;
	esac
}

print_version() {
	if is_installed; then
		read -r version <"$top/version"
	else
		version=$(sed -n 's/^VERSION *:= *//p' "$top/config.mk")
	fi
	printf 'ktrun %s\n' "$version"
}
