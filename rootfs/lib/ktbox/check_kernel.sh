# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: check that the kernel has the system calls that the kt commands need. Without one of them each command would
#        fail in its own way, some of them late.

check_kernel() {
	ktcheck >&7 && return
	lacking=$(ktcheck)
	status=$?
	[ -n "$lacking" ] || {
		note_error kernel "ktcheck ended with status $status and named nothing"
		return
	}
	set -f # a list of words
	# shellcheck disable=SC2086
	set -- $lacking
	set +f
	fail kernel "this kernel lacks $*, which the kt commands need"
}
