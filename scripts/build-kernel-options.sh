#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-kernel-options.sh TABLE DEST WORK RELEASE SUITES PAHOLE_SUITE JOBS: build minimal kernels that differ in a
# few options, one after the other, to see what ktrun says of each.
# In:   TABLE, a line for each kernel: its name, and what differs from kernel-minimal.config: -OPTION, +OPTION,
#       OPTION=VALUE, pahole=SUITE, the suite whose pahole writes the types (else that of PAHOLE_SUITE), or module=DIR,
#       the source of a module that is built for it. Lines that begin with # are skipped. RELEASE, that of a Debian
#       kernel, whose source is taken; SUITES, where to look for it: it goes to build/ (2 GB). WORK has the objects (2
#       GB) and is used again.
# Out:  DEST/NAME/image, a bzImage without a configuration beside it, and its modules; DEST/NAME.config, its
#       configuration; DEST/NAME.request, by which a kernel that has not changed is not built again. make's output in
#       WORK/log.
# Exit: 0; 1 no source, an option that make has set otherwise, or a failed build (the end of the log is printed).

set -eu

usage='usage: build-kernel-options.sh TABLE DEST WORK RELEASE SUITES PAHOLE_SUITE JOBS'
table=${1:?$usage} dest=${2:?$usage} work=${3:?$usage} release=${4:?$usage} suites=${5:?$usage}
pahole_suite=${6:?$usage} jobs=${7:?$usage}
here=$(dirname "$0")
target=$(basename "$dest")
mkdir -p "$dest" "$work"
work=$(cd "$work" && pwd)
# shellcheck source=scripts/kernel-build.sh
. "$here/kernel-build.sh"

set_off() { # OPTION
	sed -i "/^CONFIG_$1=/d" "$work/wanted"
	echo "# CONFIG_$1 is not set" >>"$work/wanted"
}

set_on() { # OPTION=VALUE
	sed -i "/^CONFIG_${1%%=*}=/d" "$work/wanted"
	echo "CONFIG_$1" >>"$work/wanted"
}

# change WORD...: writes WORK/wanted; sets suite and module.
change() {
	cp "$here/kernel-minimal.config" "$work/wanted"
	suite=$pahole_suite module=''
	for word; do
		case $word in
		pahole=*) suite=${word#*=} ;;
		module=*) module=${word#*=} ;;
		-*) set_off "${word#-}" ;;
		+*) set_on "${word#+}=y" ;;
		*=*) set_on "$word" ;;
		*) fail "$table: neither -OPTION, +OPTION, OPTION=VALUE, pahole=SUITE nor module=DIR: $word" ;;
		esac
	done
}

# What the row asks for must hold. What else make has dropped depended on an option that is off.
check_row() { # NAME WORD...
	row=$1
	shift
	for word; do
		case $word in
		pahole=* | module=*) continue ;;
		-*) line="CONFIG_${word#-}=y" wrong=0 ;;
		+*) line="CONFIG_${word#+}=y" wrong=1 ;;
		*) line="CONFIG_$word" wrong=1 ;;
		esac
		found=0
		grep -qxF "$line" "$work/obj/.config" || found=1
		[ "$found" != "$wrong" ] || fail "$row: make did not take $word"
	done
	[ $# -gt 0 ] || [ -z "$(dropped_options)" ] || fail "$row: make dropped $(dropped_options)"
}

build_module() { # NAME DIR
	rm -rf "$work/module"
	cp -R "$2" "$work/module"
	kernel_make modules_prepare
	cp "$work/obj/vmlinux.symvers" "$work/obj/Module.symvers"
	kernel_make M="$work/module" modules
	cp "$work/module"/*.ko "$dest/$1/"
}

build_row() { # NAME WORD...
	name=$1
	shift
	change "$@"
	request=$(cat "$work/wanted" ${module:+"$module"/*}; echo "$suite $(cat "$source/.debian-version")")
	[ "$request" != "$(cat "$dest/$name.request" 2>/dev/null)" ] || return 0
	"$here/fetch-pahole.sh" "build/pahole/$suite" "$suite"
	pahole=$PWD/build/pahole/$suite/usr/bin/pahole
	say "building $name (log: $work/log)"
	: >"$work/log"
	configure "$work/wanted"
	check_row "$name" "$@"
	rm -f "$work/obj/vmlinux" "$work/obj/vmlinux.unstripped" # else a change of pahole alone would not be seen
	kernel_make -j "$jobs" bzImage
	mkdir -p "$dest/$name"
	cp "$work/obj/arch/x86/boot/bzImage" "$dest/$name/image"
	cp "$work/obj/.config" "$dest/$name.config"
	[ -z "$module" ] || build_module "$name" "$module"
	printf '%s\n' "$request" >"$dest/$name.request"
}

# shellcheck disable=SC2086  # a list of words
fetch_source_of "$release" $suites
while read -r row_name words <&3; do
	case $row_name in
	'' | '#'*) continue ;;
	esac
	# shellcheck disable=SC2086  # a list of words
	build_row "$row_name" $words
done 3<"$table"
