#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun -k VERSION and --kernels: which release is meant, and what is fetched. The archive is a directory of this test,
# with packages made of the default kernel; apt, dpkg and depmod are the real ones.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# archive: a copy of an installed ktrun, with a cache of its own, and an apt that knows one archive: $PWD/archive.
archive() {
	HOME=$PWD/home
	APT_CONFIG=$PWD/apt.conf
	export HOME APT_CONFIG
	unset XDG_CACHE_HOME XDG_STATE_HOME
	mkdir -p home archive installed/host state/lists/partial cache/archives/partial
	cp -R "$KT_TOP/host/ktrun" "$KT_TOP/host/launcher" installed/host
	cp -R "$KT_TOP/scripts" "$KT_BUSYBOX" "$KT_TOP/build/initramfs.cpio" installed
	echo 1 >installed/version
	KTRUN=$PWD/installed/host/ktrun
	echo "deb [trusted=yes] copy:$PWD/archive ./" >sources.list
	: >status
	cat >apt.conf <<-END
		Dir::Etc::SourceList "$PWD/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State "$PWD/state";
		Dir::State::Status "$PWD/status";
		Dir::Cache "$PWD/cache";
		APT::Sandbox::User "";
	END
}

# package RELEASE: what Debian's has. The image is the default kernel's, which is not packed.
package() {
	root=root-$1
	mkdir -p "$root/DEBIAN" "$root/boot" "$root/lib/modules/$1/kernel/fs"
	cp "$KT_TOP/build/kernel/image" "$root/boot/vmlinuz-$1"
	cp "$KT_TOP/build/kernel/config" "$root/boot/config-$1"
	printf 'kernel/drivers/%s.ko\n' virtio_pci virtio_console >"$root/lib/modules/$1/modules.builtin"
	: >"$root/lib/modules/$1/modules.order"
	printf '%s\n' "Package: linux-image-$1" 'Version: 1' 'Architecture: amd64' 'Maintainer: test' 'Description: test' \
		>"$root/DEBIAN/control"
	dpkg-deb -Znone -b "$root" archive >/dev/null
	rm -r "$root"
}

update() {
	(cd archive && for file in *.deb; do
		dpkg-deb -f "$file"
		printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(wc -c <"$file")" "$(sha256sum <"$file" | cut -d ' ' -f 1)"
	done) >Packages
	mv Packages archive/Packages
	apt-get update >apt.out 2>&1
	assertEquals "apt-get update: $(cat apt.out)" 0 $?
}

runs() { # ARG...
	streams $READY $STARTED $OUT0 $EXIT
	run "$KTRUN" -o "$PWD/art" "$@" -- true
}

# known LINE...: what Debian had when it was asked last. Then only that is fetched which this machine's own apt has.
known() {
	mkdir -p home/.cache/ktbox/kernels
	printf '%s\n' "$@" >home/.cache/ktbox/kernels/debian
}

cached() {
	find home/.cache/ktbox/kernels -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort | tr '\n' ' '
}

test_a_release_is_fetched_once_and_is_a_whole_directory() {
	archive
	package 9.1.2+one-amd64
	update
	known '9.1.2+one-amd64 -'
	runs -k 9.1.2
	assert_status 0
	place=$PWD/home/.cache/ktbox/kernels/9.1.2+one-amd64
	assert_matches '^ktrun: fetching the kernel 9.1.2\+one-amd64 ' err
	assert_same_bytes "$KT_TOP/build/kernel/image" "$place/image"
	assert_same_bytes "$KT_TOP/build/kernel/config" "$place/config"
	assert_file_text 9.1.2+one-amd64 "$place/version"
	assertTrue "the modules have an index" "[ -s $place/modules/modules.dep.bin ]"
	assertTrue "QEMU has it" "grep -qxF '$place/image' stub/args"
	assertEquals "what is left beside it" "9.1.2+one-amd64 debian lock " "$(cached)"
	rm -r archive
	runs -k 9.1.2+one-amd64
	assert_status 0
	assert_no_match 'fetching' err
	run "$KTRUN" --kernels
	assert_status 0
	assertTrue "it is listed: $(cat out)" "grep -qxF '9.1.2+one-amd64  yes        cache: $place' out"
}

test_two_at_once_fetch_once() {
	archive
	package 9.1.2+one-amd64
	update
	known '9.1.2+one-amd64 -'
	mkdir a b
	streams $READY $STARTED $OUT0 $EXIT
	cp -R stub a/stub
	cp -R stub b/stub
	(STUB=$PWD/a/stub "$KTRUN" -o "$PWD/a/art" -k 9.1.2 -- true </dev/null 2>a/err) &
	first=$!
	(STUB=$PWD/b/stub "$KTRUN" -o "$PWD/b/art" -k 9.1.2 -- true </dev/null 2>b/err) &
	second=$!
	wait "$first"
	assertEquals "the first: $(cat a/err)" 0 $?
	wait "$second"
	assertEquals "the second: $(cat b/err)" 0 $?
	assertEquals "fetched" 1 "$(cat a/err b/err | grep -c 'fetching the kernel')"
}

test_the_one_that_waits_finds_what_the_other_has_fetched() {
	archive
	mkdir -p home/.cache/ktbox/kernels
	known '9.1.2+one-amd64 -'
	streams $READY $STARTED $OUT0 $EXIT
	mkfifo locked go
	flock -x home/.cache/ktbox/kernels/lock sh -c 'echo >locked; read line <go' &
	holder=$!
	read -r _ <locked
	"$KTRUN" -o "$PWD/art" -k 9.1.2 -- true </dev/null 2>err &
	waiting=$!
	wait_until 'grep -q "waiting for another ktrun" err'
	mkdir "home/.cache/ktbox/kernels/9.1.2+one-amd64"
	ln -s "$KT_TOP/build/kernel/image" "$KT_TOP/build/kernel/config" "home/.cache/ktbox/kernels/9.1.2+one-amd64"
	echo >go
	wait "$holder"
	wait "$waiting"
	assertEquals "status: $(cat err)" 0 $?
	assert_no_match 'fetching' err
}

test_a_package_that_cannot_be_fetched_leaves_nothing() {
	archive
	package 9.1.2+one-amd64
	update
	rm archive/*.deb
	known '9.1.2+one-amd64 -'
	runs -k 9.1.2
	assert_status 205
	assert_matches '^ktrun: -k 9.1.2\+one-amd64: unable to fetch it: fetch-kernel: no archive ' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
	assertEquals "what is left" "debian lock " "$(cached)"
}

test_a_version_that_nobody_has_is_refused_with_what_there_is() {
	archive
	runs -k 9.2
	assert_status 205
	assert_matches '^ktrun: -k 9.2: neither a file here nor a kernel: this machine has .*; Debian has none \(no archive of this machine could be asked for testing\)$' err
	echo 'deb http://127.0.0.1:9/none some main' >sources.list
	runs -k 9.2
	assert_status 205
	assert_matches '^ktrun: -k 9.2: .*; Debian has none \(no archive of this machine could be asked for testing\)$' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
	assertFalse "a list that is not whole was kept" "[ -e home/.cache/ktbox/kernels/debian ]"
	run "$KTRUN" --kernels
	assert_status 0
	assert_matches '^Debian could not be asked: no archive of this machine ' out
}

test_a_version_that_several_have_is_refused_with_their_names() {
	archive
	known '9.1.2+one-amd64 -' '9.1.2+one-cloud-amd64 -' '9.10.0-amd64 unstable'
	runs -k 9.1
	assert_status 205
	assert_file_text 'ktrun: -k 9.1: 2 kernels begin so: give more of one: 9.1.2+one-cloud-amd64, 9.1.2+one-amd64' err
	runs -n -k 9.10
	assert_status 205
	assert_matches '^ktrun: -k 9.10: 9.10.0-amd64 is still to be fetched from Debian, which -n does not do$' err
}

test_without_a_home_there_is_no_cache() {
	archive
	run env -u HOME "$KTRUN" -k 9.1 -- true
	assert_status 205
	assert_matches 'there is no directory in which the kernel could be kept: set HOME or XDG_CACHE_HOME$' err
}

test_a_file_of_that_name_wins() {
	archive
	ln -s "$KT_TOP/build/kernel/image" 9.1
	runs -k 9.1
	assert_status 0
	assert_matches "^$PWD/9.1\$" stub/args
}

test_what_is_installed_is_found() {
	archive
	mkdir -p root/boot root/lib/modules/9.3.0-new
	ln -s "$KT_TOP/build/kernel/image" root/boot/vmlinuz-9.2.0-old
	ln -s "$KT_TOP/build/kernel/image" root/lib/modules/9.3.0-new/vmlinuz
	launcher 'import os
from launcher.kernel.releases import kernels_here
from launcher.lib.paths import find_paths
for kernel in kernels_here(find_paths(sys.argv[1]), sys.argv[2]):
    print(*kernel)' "$PWD/installed" "$PWD/root" >found
	assert_file_text "9.2.0-old $PWD/root/boot/vmlinuz-9.2.0-old installed
9.3.0-new $PWD/root/lib/modules/9.3.0-new installed" found
	launcher 'import os
from launcher.kernel.releases import kernels_here
from launcher.lib.paths import find_paths
for kernel in kernels_here(find_paths(sys.argv[1]), "/nowhere"):
    print(*kernel)' "$KT_TOP" >found
	assert_matches "^$(sed 's/[+.]/\\&/g' "$KT_TOP/build/kernel/version") $KT_TOP/build/kernel source tree\$" found
}

test_only_packages_that_have_a_kernel_are_listed() {
	archive
	for name in 9.1.2+one-amd64 9.1-amd64 9.1-amd64-signed-template 9.1.2+one-amd64-dbg 9.1.2+one-amd64-unsigned; do
		mkdir -p empty/DEBIAN
		printf '%s\n' "Package: linux-image-$name" 'Version: 1' 'Architecture: amd64' 'Maintainer: test' 'Description: test' \
			>empty/DEBIAN/control
		dpkg-deb -Znone -b empty archive >/dev/null
	done
	update
	mkdir apt
	run env KT_APT="$PWD/apt" "$KT_TOP/scripts/list-kernels.sh" no-such-suite
	assert_status 1
	assert_file_text '9.1.2+one-amd64 -' out
}

test_a_damaged_list_is_asked_for_again() {
	mkdir -p kernels
	printf '\0garbage\n' >kernels/debian
	launcher 'from launcher.kernel.fetch import known_offers
from launcher.lib.paths import Paths
print(known_offers(Paths("", "", "", sys.argv[1], "", "")))' "$PWD" >offers
	assert_file_text None offers
	echo '9.1.2-amd64 testing' >kernels/debian
	launcher 'from launcher.kernel.fetch import known_offers
from launcher.lib.paths import Paths
print(*known_offers(Paths("", "", "", sys.argv[1], "", "")))' "$PWD" >offers
	assert_matches "release='9.1.2-amd64'" offers
}

test_a_release_is_matched_by_whole_numbers() {
	launcher 'from launcher.kernel.releases import matching
all = ["6.1.0-9-amd64", "6.12.9-amd64", "6.12.10-amd64", "6.12.10-cloud-amd64", "6.12.10-amd64"]
for word in ("6.1", "6.12", "6.12.10-amd64", "6.12.10-c", "6.12.10", "6.", "7"):
    print(word, *matching(word, all))' >matches
	assert_file_text '6.1 6.1.0-9-amd64
6.12 6.12.10-cloud-amd64 6.12.10-amd64 6.12.9-amd64
6.12.10-amd64 6.12.10-amd64
6.12.10-c 6.12.10-cloud-amd64
6.12.10 6.12.10-cloud-amd64 6.12.10-amd64
6. 6.12.10-cloud-amd64 6.12.10-amd64 6.12.9-amd64 6.1.0-9-amd64
7' matches
}

test_a_matrix_and_a_comparison_take_a_release_and_keep_its_path() {
	archive
	package 9.1.2+one-amd64
	update
	known '9.1.2+one-amd64 -'
	streams $READY $STARTED $OUT0 $EXIT
	printf 'kernel = 9.1.2\npayload = one true\n' >matrix
	run "$KTRUN" -o "$PWD/m" --matrix matrix
	assert_status 0
	assert_matches "'-k' '$PWD/home/.cache/ktbox/kernels/9.1.2\\+one-amd64' " m/00001.sh
	run "$KTRUN" -o "$PWD/c" --runs 1 --compare "kernel=9.1.2" "kernel=$KT_TOP/build/kernel" -- true
	assert_matches "\"$PWD/home/.cache/ktbox/kernels/9.1.2\\+one-amd64\"" c/compare.plan
	printf 'kernel = 9.4\npayload = one true\n' >matrix
	run "$KTRUN" -o "$PWD/m2" --matrix matrix
	assert_status 205
	assert_matches 'line 1: -k 9.4: neither a file here nor a kernel' err
}

. shunit2
