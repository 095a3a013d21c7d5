# SPDX-License-Identifier: GPL-2.0-only
#
# Part of the teardown: send the files that the host asked for (/.ktbox/get, one path per line; in the host's root, with
# --host-root). By now every process that might write to them has ended. ktget reports missing files to the host; they
# are no error of /init.

send_requested_files() {
	[ -n "${KT_PORT_FD:-}" ] && [ -e "$ROOT/.ktbox/get" ] || return 0
	set --
	while IFS= read -r requested; do
		set -- "$@" "$ROOT$requested"
	done <"$ROOT/.ktbox/get"
	ktget ${HOST_ROOT:+-r "$HOST_ROOT"} "$@" || say "files: some of the requested files could not be sent"
}
