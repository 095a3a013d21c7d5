#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# make-manual.sh OUT BUSYBOX VERSION: the manual pages of ktrun and of each kt applet that BUSYBOX has.
# In:   `ktrun --help`, `APPLET --help`; the header comment of its C file; docs/man/NAME.man, if it is
#       there: what no help says (description, examples). SOURCE_DATE_EPOCH, the pages' date.
# Out:  OUT/NAME.1. OUT is replaced whole.
# Exit: 0; 1.

set -eu

out=${1:?usage: make-manual.sh OUT BUSYBOX VERSION}
busybox=${2:?} version=${3:?}
date=$(TZ=UTC date -d "@${SOURCE_DATE_EPOCH:?}" +%Y-%m-%d)

page() { # NAME HELP [SOURCE]
	text=docs/man/$1.man
	[ -e "$text" ] || text=
	LC_ALL=C awk -f scripts/manual-page.awk -v name="$1" -v version="$version" -v date="$date" -v others="$names" \
		kind=help "$2" kind=text ${text:+"$text"} kind=source ${3:+"$3"} >"$out.new/$1.1"
}

source_of() { # APPLET: the file that registers it
	grep -lE "^//applet:.*\\($1," applets/*/*.c
}

applets=$("$busybox" --list | grep '^kt' | tr '\n' ' ')
names="ktrun $applets"
rm -rf "$out.new"
mkdir -p "$out.new"
host/ktrun --help >"$out.new/help"
page ktrun "$out.new/help"
for applet in $applets; do
	"$busybox" "$applet" --help >"$out.new/help" 2>&1
	page "$applet" "$out.new/help" "$(source_of "$applet")"
done
rm -rf "$out.new/help" "$out"
mv "$out.new" "$out"
