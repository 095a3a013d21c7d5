# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: where a guest is saved and resumed. Everything before it is the same for all runs of a snapshot; everything
#        after it belongs to one run, whose files come now: through the port ktbox-files, as the archive that a cold run
#        has in its initramfs, with /init's own words in the file /.ktbox/words.
#
# In:   ktbox.files=port on the kernel's command line; without it the files are there already, and nothing is done.
# Ends: the run, where the files do not come, or not all of them. A guest in which something has gone wrong before does
#       not say that it is ready: a snapshot of it would make each run fail.

run_files() {
	[ -n "$FILES_PORT" ] || return 0
	find_port ktbox-files || fail "run's files" "there is no port ktbox-files"
	command exec 8<>"$ROOT$PORT" || fail "run's files" "cannot open $PORT"
	rm -f "$ROOT/.ktbox/run.begin" "$ROOT/.ktbox/run.complete" # of the archive with the modules
	ktresume "$(readiness)" <&8 >&8 &
	wait_for $! || fail "run's files" "ktresume ended with status $?"
	unpack_run_files <&8 &
	wait_for $! || fail_to_unpack
	exec 8>&-
	link_host_files
	[ ! -e "$ROOT/.ktbox/words" ] || command_line_words <"$ROOT/.ktbox/words"
	! wants_shell || find_shell_tty
}

readiness() {
	if [ -z "${INIT_FAILED:-}" ] && is_set hvc_ready; then echo ready; else echo unfit; fi
}

# cpio takes the end of the port between two files for the end of the archive; the mark shows that it was.
unpack_run_files() {
	cd "$ROOT/" && cpio -i -u -m 2>"$RUN_PATH/cpio.err" && [ -e .ktbox/run.complete ]
}

fail_to_unpack() {
	reason=
	read -r reason <"$RUN/cpio.err"
	fail initramfs "the run's files were not unpacked completely: ${reason#cpio: }: does the guest need more memory (-m)?"
}
