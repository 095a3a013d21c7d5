#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# make install: what it puts where, a run of the installed ktrun when its source is gone, make uninstall.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

# The source is a copy that can be renamed; the installed one gets a user of its own, by HOME.
oneTimeSetUp() {
	source=$FILES/source
	DESTDIR=$FILES/dest
	export DESTDIR
	usr=$DESTDIR/opt/kt
	mkdir -p "$source/build" "$FILES/home"
	cp -R "$KT_TOP/host" "$KT_TOP/scripts" "$KT_TOP/docs" "$KT_TOP/README.md" "$KT_TOP/LICENSE" "$source"
	cp -R "$KT_BUSYBOX" "$KT_TOP/build/initramfs.cpio" "$KT_TOP/build/man" "$source/build"
	(cd "$source" && env -u KTRUN_KERNEL scripts/install.sh /opt/kt 9.8.7) >"$FILES/install.out"
	echo $? >"$FILES/install.status"
	installed_files >"$FILES/first"
	(cd "$source" && scripts/install.sh /opt/kt 9.8.7)
	installed_files >"$FILES/second"
	mv "$source" "$source.gone"
	KTRUN=$usr/bin/ktrun
	HOME=$FILES/home
	export HOME
	unset XDG_STATE_HOME XDG_CACHE_HOME
	cd "$FILES" || return 1
	vm installed -k "$KT_TOP/build/kernel/image" -s "$DEMO" -- sh -c 'echo hello; exit 5'
	timeout 100 "$KTRUN" -k "$KT_TOP/build/kernel/image" -- true </dev/null >default.out 2>default.err
	echo $? >default.status
}

installed_files() {
	(cd "$usr" && find . ! -type d | LC_ALL=C sort)
}

test_install_succeeds_and_again_gives_the_same_files() {
	assert_file_text 0 "$FILES/install.status"
	assert_same_bytes "$FILES/first" "$FILES/second"
	assertTrue "files" "[ $(wc -l <"$FILES/first") -gt 40 ]"
}

test_install_says_what_it_did_and_what_is_missing() {
	assert_matches "^ktbox 9.8.7 is installed under $usr: [0-9]+ files, " "$FILES/install.out"
	assert_matches '^missing: a kernel with sched_ext, which ktrun takes from -k FILE ' "$FILES/install.out"
	assertEquals "all else is here" 2 "$(wc -l <"$FILES/install.out")"
}

test_ktrecv_is_a_command_of_its_own() {
	look installed
	"$usr/bin/ktrecv" -j "$art/bulk.bin" >frames 2>err
	assertEquals "status: $(cat err)" 0 $?
	assert_matches '"type":"exit"' frames
}

test_the_files_lie_where_a_system_keeps_such_files() {
	for file in bin/ktrun bin/ktrecv lib/ktbox/busybox lib/ktbox/initramfs.cpio lib/ktbox/host/launcher/main.py \
		share/man/man1/ktrun.1 share/man/man1/ktsh-lite.1 share/bash-completion/completions/ktrun \
		share/doc/ktbox/copyright share/doc/ktbox/README.md share/doc/ktbox/docs/use/verdicts.md; do
		assert_matches "^\./$file\$" "$FILES/first"
	done
	assertEquals "outside of the prefix" "" "$(find "$DESTDIR" ! -type d ! -path "$usr/*")"
	assertEquals "writable by others" "" "$(find "$usr" ! -type l -perm /022)"
	assertEquals "the path of the source in a file" "" "$(grep -rlF "$source" "$usr")"
}

test_a_vm_runs_from_the_installed_files_alone() {
	look installed
	assert_verdict fail 5
	assert_file_text hello "$out"
	assert_matches attached "$err"
}

test_artifacts_go_to_the_users_state_folder() {
	assert_file_text 0 "$FILES/default.status"
	folder=$(sed -n 's/^  artifacts  //p' "$FILES/default.err")
	assert_matches '"verdict": "pass"' "$folder/result.json"
	case $folder in
	"$HOME"/.local/state/ktbox/runs/?*) assertTrue 0 ;;
	*) fail "artifacts are in $folder" ;;
	esac
}

test_an_installed_ktrun_has_no_kernel_of_its_own() {
	run "$KTRUN" -n -- true
	assert_status 205
	assert_matches '^ktrun: no kernel: give one with -k or in KTRUN_KERNEL$' err
}

test_the_installed_ktrun_prints_its_version() {
	run "$KTRUN" --version
	assert_file_text 'ktrun 9.8.7' out
}

test_without_a_home_the_current_folder_gets_the_artifacts() {
	run env -u HOME "$KTRUN" -n -k "$KT_TOP/build/kernel/image" -- true
	assert_status 0
	assert_matches "path=$PWD/ktbox-runs/[0-9-]*/bulk.bin" out
}

test_a_prefix_that_is_not_absolute_is_refused() {
	cp -R "$source.gone" again
	run sh -c 'cd again && DESTDIR= scripts/install.sh usr 1'
	assert_status 1
	assert_matches 'absolute path' err
	assertFalse "it was made" "[ -e again/usr ]"
}

# Last, since it takes away what the others look at.
test_uninstall_takes_away_all_of_it_and_nothing_else() {
	: >"$usr/share/man/man1/other.1"
	run sh -c 'cd "$1.gone" && scripts/install.sh -u /opt/kt' sh "$source"
	assert_status 0
	assertEquals "what is left" ./share/man/man1/other.1 "$(installed_files)"
	assertFalse "lib/ktbox is left" "[ -e $usr/lib/ktbox ]"
	run sh -c 'cd "$1.gone" && scripts/install.sh -u /opt/kt' sh "$source"
	assert_status 1
	assert_matches 'ktbox is not installed under' err
}

. shunit2
