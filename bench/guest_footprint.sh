# SPDX-License-Identifier: GPL-2.0-only
#
# guest_footprint.sh SECONDS: a payload. Out: "NAME RSS_KIB WAKEUPS" for each kt daemon, the wakeups being
# those of SECONDS in which nothing happens.

switches() { # PID
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$1/status"
}

kib() { # FIELD PID
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$2/status"
}

daemons() {
	for proc in /proc/[0-9]*; do
		pid=${proc#/proc/}
		name=$(tr '\0' ' ' <"$proc/cmdline")
		case $name in
		*kthvc* | *ktpipe* | *ktexitmon* | *ktexec* | *ktdump*) echo "$pid $name" ;;
		esac
	done
}

daemons >/tmp/daemons
while read -r pid name; do switches "$pid"; done </tmp/daemons >/tmp/before
ktlatch wait -t "$1" never_set
while read -r pid name; do
	read -r before <&4
	name=${name#sh } name=${name#/usr/bin/}
	echo "${name%% *} $(kib VmRSS "$pid") $(kib RssAnon "$pid") $(($(switches "$pid") - before))"
done </tmp/daemons 4</tmp/before >/tmp/after
cat /tmp/after # not before all were looked at: each line of output wakes ktexec
