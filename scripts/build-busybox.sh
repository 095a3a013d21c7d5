#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-busybox.sh SRC OBJ JOBS OUT: compile the configured BusyBox tree and put the stripped binary at OUT.
# In:   SRC, OBJ/.config; only what changed since the last build in OBJ is compiled.
# Out:  OUT. On stderr the compiler's warnings and errors, and how many files are compiled so far. make's output goes
#       to OBJ/make.log.
# Exit: 0; 1 the build failed: the end of the log follows the compiler's errors.

set -eu

src=${1:?usage: build-busybox.sh SRC OBJ JOBS OUT}
obj=${2:?} jobs=${3:?} out=${4:?}

compile() { # prints a line "CC file" per compiled file; the status is the content of make.status
	status=0
	"$(dirname "$0")/busybox-make.sh" "$src" "$obj" "-j$jobs" quiet=quiet_ busybox || status=$?
	echo "$status" >"$obj/make.status"
}

# On a terminal one line that counts, else a line per 100 files.
show_progress() {
	count=0
	while read -r step _; do
		case $step in
		CC) count=$((count + 1)) ;;
		*) continue ;;
		esac
		if [ -t 2 ]; then
			printf '\r%s: %d files compiled' "$out" "$count" >&2
		elif [ $((count % 100)) = 0 ]; then
			echo "$out: $count files compiled" >&2
		fi
	done
	if [ -t 2 ] && [ "$count" -gt 0 ]; then echo >&2; fi
}

mkdir -p "$obj"
compile | tee "$obj/make.log" | show_progress
[ "$(cat "$obj/make.status")" = 0 ] || {
	tail -n 20 "$obj/make.log" >&2
	echo "build-busybox: failed (log: $obj/make.log)" >&2
	exit 1
}
install -m 755 "$obj/busybox" "$out.new"
mv "$out.new" "$out"
