#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# make-manual.sh OUT BUSYBOX VERSION: make the manual pages of ktrun, kt, kt-scenario, kt-test and each kt applet of
# BUSYBOX.
# In:   what each command prints with --help; docs/man/NAME.man, if it exists: what the help does not say.
#       SOURCE_DATE_EPOCH, the date of the pages.
# Out:  OUT/NAME.1. OUT is replaced as a whole.
# Exit: 0; 1 a help has no known form.

set -eu

out=${1:?usage: make-manual.sh OUT BUSYBOX VERSION}
busybox=${2:?} version=${3:?}
date=$(TZ=UTC date -d "@${SOURCE_DATE_EPOCH:?}" +%Y-%m-%d)

page() { # NAME COMMAND...: COMMAND prints the help
	name=$1
	shift
	"$@" >"$out.new/help" 2>&1
	text=docs/man/$name.man
	[ -e "$text" ] || text=
	LC_ALL=C awk -f scripts/manual-page.awk -v name="$name" -v version="$version" -v date="$date" -v others="$names" \
		kind=help "$out.new/help" kind=text ${text:+"$text"} >"$out.new/$name.1"
}

applets=$("$busybox" --list | grep '^kt' | tr '\n' ' ')
names="kt kt-scenario kt-test ktrun $applets"
rm -rf "$out.new"
mkdir -p "$out.new"
page ktrun host/ktrun --help
page kt sh rootfs/usr/bin/kt --help
page kt-scenario sh rootfs/usr/bin/kt-scenario --help
page kt-test sh rootfs/usr/bin/kt-test --help
for applet in $applets; do
	page "$applet" "$busybox" "$applet" --help
done
rm -rf "$out.new/help" "$out"
mv "$out.new" "$out"
