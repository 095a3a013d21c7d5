# Shared libraries of the scheduler and of the included programs.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a dynamic program runs in the guest only with its interpreter and libraries at their own places.
# In:    opt_scheduler, opt_includes. Out: links in $stage. Exit: 205 when one is missing on the host.
#
# scanelf tells in 5 ms which files have an interpreter at all; lddtree (both are pax-utils) takes 140 ms
# and is asked only about those.
# shellcheck disable=SC2015,SC2034,SC2154

stage_libraries() {
	[ -n "$opt_scheduler$opt_includes" ] || return 0
	command -v scanelf >/dev/null && command -v lddtree >/dev/null ||
		die "no scanelf or lddtree: is the package pax-utils installed?"
	list_dynamic_programs
	[ -n "$dynamic_programs" ] || return 0
	list_libraries
	while IFS= read -r library; do stage_library "$library"; done <"$work/libraries"
	[ ! -e /etc/ld.so.cache ] || stage_link /etc/ld.so.cache /etc/ld.so.cache
}

# Sets $dynamic_programs, one a line.
list_dynamic_programs() {
	IFS=$newline
	# shellcheck disable=SC2086
	set -- $opt_scheduler $opt_includes
	unset IFS
	dynamic_programs=$(scanelf -qBRF '%a %i %F' "$@" 2>"$work/scanelf.err" |
		sed -n "s/^EM_\\($arch_scanelf\\) [^ ]* //p")
}

# lddtree is a Python program whose modules belong to the system's own Python, and takes its arguments as
# patterns.
list_libraries() {
	IFS=$newline
	# shellcheck disable=SC2046
	set -- $(printf '%s\n' "$dynamic_programs" | sed 's/[][*?]/[&]/g')
	unset IFS
	PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH lddtree -l "$@" >"$work/libraries" 2>"$work/lddtree.err" ||
		die "unable to list shared libraries: $(head -n 1 "$work/lddtree.err")"
}

# The list has the programs too: those are staged already. A library that is not found is listed without a
# path.
stage_library() { # PATH
	case $newline$dynamic_programs$newline in
	*"$newline$1$newline"*) return 0 ;;
	esac
	case $1 in
	/*) ;;
	*) die "shared library not found on this machine: $1" ;;
	esac
	[ -e "$stage$1" ] || stage_link "$1" "$1"
	is_on_library_path "$1" || [ -e "$stage/usr/lib/${1##*/}" ] || stage_link "$1" "/usr/lib/${1##*/}"
}

# What the host found beside the program ($ORIGIN) or by LD_LIBRARY_PATH would not be found in the guest,
# where the program lies elsewhere and the variable is not set: such a library goes to a folder that every
# loader looks into, too.
is_on_library_path() { # PATH
	case ${1%/*} in
	/lib | /lib64 | /usr/lib | /usr/lib64 | /lib/*-linux-gnu | /usr/lib/*-linux-gnu) return 0 ;;
	esac
	[ -r /etc/ld.so.cache ] && grep -q -a -F -e "$1" /etc/ld.so.cache
}
