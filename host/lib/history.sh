# The shell's history, kept from session to session in a file of the user's: --history FILE.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   who tests a scheduler types the same commands in one VM after the other, many of which die. In:
#        opt_history, $out/history (all that the guest's shell knows, sent as it was typed). Out: the guest's
#        /.ktbox/history; FILE, with what this session has added. Exit: 205 for a file that can't be one.
#
# Without a shell on a terminal there is nothing to remember, and --history, which may stand in KTRUN_OPTS, is
# passed over. What the guest sends is bounded, and never more than text for the next guest's shell.
# shellcheck disable=SC2015,SC2034,SC2154

history_lines=999 # what the guest's shell remembers
history_bytes=262144

has_history() {
	[ -n "$opt_history" ] && is_interactive
}

check_history() {
	has_history || return 0
	if [ -e "$opt_history" ]; then
		check_file --history: "$opt_history"
		[ -w "$opt_history" ] || die "--history: not writable: $opt_history"
	else
		[ -d "${opt_history%/*}/" ] && [ -w "${opt_history%/*}/" ] || die "--history: not to be made: $opt_history"
	fi
}

stage_history() {
	has_history || return 0
	{ [ ! -e "$opt_history" ] || last_lines "$opt_history"; } >"$stage/.ktbox/history" ||
		die "--history: not readable: $opt_history"
	history_size=$(stat -c %s "$stage/.ktbox/history")
}

# The newest of FILE, each line with its end.
last_lines() { # FILE
	tail -c "$history_bytes" "$1" | tail -n "$history_lines" | "$bb" awk 1
}

# Added to what other sessions have left there meanwhile.
keep_history() {
	has_history && [ -s "$out/history" ] || return 0
	tail -c +$((history_size + 1)) "$out/history" >"$work/history"
	(umask 077 && last_lines "$work/history" >>"$opt_history") 2>"$work/err" && shorten_history ||
		note "--history: unable to write $opt_history"
}

# Only once it has twice of what is read.
shorten_history() {
	[ "$(wc -l <"$opt_history")" -gt $((2 * history_lines)) ] || return 0
	last_lines "$opt_history" >"$work/history" && cat "$work/history" >"$opt_history"
}
