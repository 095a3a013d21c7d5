# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# user.sh: a user at a terminal (tools/user.py), for tests of what kttty and ktrun do on one.
# Out: transcript, all that came on the terminal; user_pid, the program's process id; $answer.

# user_runs PROGRAM ARG...: the program is in the foreground of a terminal of 24 x 80.
user_runs() {
	mkfifo user.commands user.answers
	"$KT_PYTHON" "$KT_TOP/test/tools/user.py" transcript "$@" <user.commands >user.answers 2>user.err &
	user_python=$!
	exec 6>user.commands 7<user.answers
	read -r user_pid <&7
}

# user COMMAND [WORD...]: leaves its answer in $answer.
user() {
	printf '%s\n' "$*" >&6
	answer=
	read -r answer <&7
}

# assert_sees TEXT
assert_sees() {
	user sees "$1"
	assertEquals "seen on the terminal: $1; in: $(tail -c 600 transcript)" yes "$answer"
}

# assert_user_ends STATUS: the program ends with it.
assert_user_ends() {
	user end
	assertEquals "status of the program ($(tail -c 600 transcript); $(cat user.err))" "$1" "$answer"
	user_leaves
}

user_leaves() {
	exec 6>&- 7<&-
	wait "$user_python"
	rm -f user.commands user.answers
	return 0
}
