# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: read ktbox's words on the kernel command line. docs/internals/boot.md lists them.

command_line() {
	MODE='test'
	ATTACH_TIMEOUT=30
	EXPECT_DEATH=
	HOLD_SECONDS=
	SEND_DMESG=
	SEND_PRINTK=
	LIVE_LOG=
	RECORD_EVENTS=
	RECORD_KB=8192
	RECORD_PASS=
	LOG_TTY=1
	ACK=
	HOST_IS_KTRUN=
	CTL_PORT=
	FILES_PORT=
	BREAK_AT=
	RESCUE=
	STATS=
	BPF_SIZE=
	TERM=linux
	command_line_words <"$ROOT/proc/cmdline"
	export TERM
}

# There may be several lines, since the kernel treats a newline as a blank. The last may lack its newline.
command_line_words() {
	set -f # a word may contain *
	while read -r words || [ -n "$words" ]; do
		for word in $words; do
			command_line_word "$word"
		done
	done
	set +f
}

command_line_word() { # WORD
	case $1 in
	KTSTR_MODE=shell) MODE=shell ;;
	ktbox.attach_timeout=*) number_word "$1" && ATTACH_TIMEOUT=${1#*=} ;;
	ktbox.hold=*) number_word "$1" && HOLD_SECONDS=${1#*=} ;;
	ktbox.trace_kb=*) number_word "$1" && export KT_TRACE_KB="${1#*=}" ;;
	ktbox.expect_death=1) EXPECT_DEATH=1 ;;
	ktbox.dmesg=1) SEND_DMESG=1 ;;
	ktbox.printk=1) SEND_PRINTK=1 ;;
	ktbox.live_log=1) LIVE_LOG=1 ;;
	ktbox.record=*) RECORD_EVENTS=${1#*=} ;;
	ktbox.record_kb=*) number_word "$1" && RECORD_KB=${1#*=} ;;
	ktbox.record_pass=1) RECORD_PASS=1 ;;
	ktbox.log_tty=0) LOG_TTY= ;;
	ktbox.ack=1) ACK=1 ;;
	ktbox.host=ktrun) HOST_IS_KTRUN=1 ;;
	ktbox.rescue=1) RESCUE=1 ;;
	break=*) set_breakpoint "$1" ;;
	ktbox.ctl=1) CTL_PORT=1 ;;
	ktbox.stats=windows | ktbox.stats=all) STATS=${1#*=} ;;
	ktbox.bpf=*) number_word "$1" && BPF_SIZE=${1#*=} ;;
	ktbox.files=port) FILES_PORT=1 ;;
	ktbox.term=*) TERM=${1#*=} ;;
	ktbox.*) say "command line: unknown word '$1'" ;;
	esac
}

number_word() { # NAME=NUMBER
	case ${1#*=} in
	'' | *[!0-9]*) say "command line: not a number in '$1'" && return 1 ;;
	esac
}
