#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# command_lines.sh LIB COUNT: what /init's reader makes of many kernel command lines, in one shell.
# In:   LIB, the files of /init; files 0/proc/cmdline, 1/proc/cmdline, ... in this directory.
# Out:  for each a line "== N", what the reader prints, and one line per variable.

lib=$1 count=$2
for file in common breakpoints command_line; do
	# shellcheck source=/dev/null
	. "$lib/$file.sh"
done

ROOT=0
while [ "$ROOT" -lt "$count" ]; do
	echo "== $ROOT"
	unset KT_TRACE_KB
	command_line 2>&1
	# not printf: that of BusyBox adds to a null pointer, which the sanitizers would end
	echo "MODE=$MODE
ATTACH_TIMEOUT=$ATTACH_TIMEOUT
KT_TRACE_KB=${KT_TRACE_KB-}
EXPECT_DEATH=$EXPECT_DEATH
SEND_DMESG=$SEND_DMESG
SEND_PRINTK=$SEND_PRINTK
LIVE_LOG=$LIVE_LOG
ACK=$ACK
HOST_IS_KTRUN=$HOST_IS_KTRUN
CTL_PORT=$CTL_PORT
FILES_PORT=$FILES_PORT
LOG_TTY=$LOG_TTY
HOLD_SECONDS=$HOLD_SECONDS
BREAK_AT=$BREAK_AT
RESCUE=$RESCUE
TERM=$TERM
RECORD_EVENTS=$RECORD_EVENTS
RECORD_KB=$RECORD_KB
RECORD_PASS=$RECORD_PASS
STATS=$STATS"
	ROOT=$((ROOT + 1))
done
