# SPDX-License-Identifier: GPL-2.0-only
#
# Part of the teardown: the files that the host has asked for (/.ktbox/get, a path a line). Whoever might
# still write to them has ended by then. What is missing is told to the host, and is no failure of /init.

send_requested_files() {
	[ -n "${KT_PORT_FD:-}" ] && [ -e "$ROOT/.ktbox/get" ] || return 0
	set --
	while IFS= read -r asked; do
		set -- "$@" "$ROOT$asked"
	done <"$ROOT/.ktbox/get"
	ktget "$@" || say "files: not all that was asked for could be sent"
}
