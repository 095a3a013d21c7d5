#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What -i and -s bring into the guest: libraries as the host's loader finds them, the interpreters of scripts, what is
# loaded at run time, -i PATH:GUEST, whole directories, and what does not fit.

# shellcheck disable=SC1091,SC2016,SC2154,SC2086 # what is sourced sets them; for the loader; items are words
. "$KT_TEST_LIB/stub.sh"

# good ARG...: a run that passes; leaves the guest's files in ./added, and their names in ./contents.
good() {
	rm -rf added
	streams $READY $ATTACHED $STARTED $OUT0 $EXIT
	ktrun "$@" -- true
	assert_status 0
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd >added.cpio
	mkdir added
	(cd added && cpio -idm --quiet --no-absolute-filenames <../added.cpio 2>../cpio.err)
	cpio -it --quiet <added.cpio >contents 2>cpio.err
}

# refuses WORD ARG...: one line, with WORD in it.
refuses() {
	word=$1
	shift
	rm -f stub/args
	ktrun "$@" -- true
	assert_refused
	if grep -qF -- "$word" err; then assertTrue true; else fail "$word is not in: $(cat err)"; fi
}

# leads NAME TARGET: NAME in the guest is a link to TARGET.
leads() {
	assertEquals "link $1" "$2" "$(readlink "added$1")"
}

# host PATH: where a file of this test is in the guest, whose /tmp is a file system of its own.
host() {
	echo "/.ktbox/host$PWD/$1"
}

# library FOLDER WORD [NAME]: FOLDER/libwho.so.1, which knows the word.
library() {
	mkdir -p "$1"
	echo "const char *who(void) { return \"$2\"; }" >who.c
	gcc -shared -fPIC -Wl,-soname,libwho.so.1 -o "$1/libwho.so.1" who.c
	ln -sf libwho.so.1 "$1/libwho.so"
}

# program FILE FOLDER OPTION...: prints what the library in FOLDER knows.
program() {
	mkdir -p "$(dirname "$1")"
	printf '#include <stdio.h>\nconst char *who(void);\nint main(void) { puts(who()); return 0; }\n' >main.c
	program_file=$1 program_folder=$2
	shift 2
	gcc -o "$program_file" main.c "-L$program_folder" -lwho "$@"
}

# script FILE LINE...
script() {
	script_file=$1
	shift
	printf '%s\n' "$@" >"$script_file"
	chmod +x "$script_file"
}

test_each_program_has_the_library_that_it_has_on_the_host() {
	library a/lib a
	program a/one a/lib -Wl,-rpath,'$ORIGIN/lib'
	library b/lib b
	program b/bin/two b/lib -Wl,-rpath,'$ORIGIN/../lib',--enable-new-dtags
	library c c
	program c/three c -Wl,-rpath,"$PWD/c",--disable-new-dtags
	good -i a/one -i b/bin/two -s c/three
	leads /include-files/one "$(host a/one)"
	leads /include-files/two "$(host b/bin/two)"
	leads /scheduler "$(host c/three)"
	for name in a/lib/libwho.so.1 b/lib/libwho.so.1 c/libwho.so.1 a/one b/bin/two c/three; do
		assert_same_bytes $name "added$(host $name)"
	done
	assertEquals "copies of libc" 1 "$(grep -c '/libc\.so\.6$' contents)"
	assertFalse "LD_LIBRARY_PATH is set" "[ -e added/.ktbox/env ]"
}

test_a_library_that_a_library_needs_by_its_own_origin_or_by_the_programs_rpath() {
	library deep deep
	echo 'const char *who(void); const char *ask(void) { return who(); }' >ask.c
	mkdir lib
	gcc -shared -fPIC -o lib/libask.so ask.c -Ldeep -lwho -Wl,-rpath,'$ORIGIN/../deep',--enable-new-dtags
	printf '#include <stdio.h>\nconst char *ask(void);\nint main(void) { puts(ask()); return 0; }\n' >main.c
	gcc -o own main.c -Llib -lask -Wl,-rpath,'$ORIGIN/lib' -Wl,-rpath-link,deep
	good -i own
	assert_same_bytes deep/libwho.so.1 "added$(host deep/libwho.so.1)"
	gcc -shared -fPIC -o lib/libask.so ask.c -Ldeep -lwho
	gcc -o inherited main.c -Llib -lask -Wl,-rpath,'$ORIGIN/lib:$ORIGIN/deep',--disable-new-dtags,-rpath-link,deep
	good -i inherited
	assert_same_bytes deep/libwho.so.1 "added$(host deep/libwho.so.1)"
	gcc -o not_inherited main.c -Llib -lask -Wl,-rpath,'$ORIGIN/lib:$ORIGIN/deep',--enable-new-dtags,-rpath-link,deep
	refuses libwho.so.1 -i not_inherited
}

# The guest starts programs in another directory than the one that we are in.
test_a_library_by_a_relative_run_path_is_refused() {
	library lib one
	program one lib -Wl,-rpath,lib
	assertEquals "on the host" one "$(./one)"
	refuses 'libwho.so.1, for ' -i one
	assert_matches '\(lib in its run path is relative: ' err
}

test_a_library_by_ld_library_path_is_found_in_the_guest_too() {
	library somewhere x
	program prog somewhere
	refuses libwho.so.1 -i prog
	LD_LIBRARY_PATH=somewhere good -i prog
	assert_same_bytes somewhere/libwho.so.1 "added$(host somewhere/libwho.so.1)"
	printf 'LD_LIBRARY_PATH=%s\000' "$PWD/somewhere" >expected
	assert_same_bytes expected added/.ktbox/env
}

test_a_program_at_a_place_of_its_own_finds_its_library_from_there() {
	library a/lib a
	program a/bin/prog a/lib -Wl,-rpath,'$ORIGIN/../lib'
	good -i a/bin/prog:/opt/x/bin/prog
	assert_same_bytes a/bin/prog added/opt/x/bin/prog
	assert_same_bytes a/lib/libwho.so.1 added/opt/x/lib/libwho.so.1
	leads /.ktbox/bin/prog /opt/x/bin/prog
}

test_a_plugin_brings_its_libraries() {
	library a/lib a
	echo 'const char *who(void); const char *ask(void) { return who(); }' >ask.c
	gcc -shared -fPIC -o a/plugin.so ask.c -La/lib -lwho -Wl,-rpath,'$ORIGIN/lib'
	good -i a/plugin.so
	assert_same_bytes a/plugin.so added/include-files/plugin.so
	assert_same_bytes a/lib/libwho.so.1 added/include-files/lib/libwho.so.1
	mkdir folder
	cp a/plugin.so folder/deeper.so
	cp -r a/lib folder/lib
	good -i folder
	assert_same_bytes a/lib/libwho.so.1 added/include-files/folder/lib/libwho.so.1
	assert_same_bytes a/plugin.so "added$(host folder/deeper.so)"
	assert_same_bytes a/lib/libwho.so.1 "added$(host folder/lib/libwho.so.1)"
	good -i folder:/opt/folder # where the user has put it, and nowhere else
	assertFalse 'at the place of the host, too' "[ -e added$(host folder/deeper.so) ]"
	library b/lib b
	gcc -shared -fPIC -o b/plugin2.so ask.c -Lb/lib -lwho -Wl,-rpath,'$ORIGIN/lib'
	refuses /include-files/lib/libwho.so.1 -i a/plugin.so -i b/plugin2.so
	good -i a/plugin.so -i b/plugin2.so:/opt/b/plugin2.so
}

test_a_file_that_does_not_say_its_size_arrives_whole() {
	mkdir sys
	ln -s /sys/kernel/mm/transparent_hugepage/enabled sys/enabled
	good -i /proc/version -i sys
	assert_same_bytes /proc/version added/include-files/version
	assert_same_bytes sys/enabled added/include-files/sys/enabled
	: >empty
	good -i empty
	assert_file_text '' added/include-files/empty
}

test_what_a_program_in_a_folder_lacks_costs_a_note() {
	library lost x
	program folder/prog lost
	rm -r lost
	good -i folder
	assert_matches '^ktrun: shared library not found on this machine: libwho.so.1, for .*/folder/prog$' err
	refuses libwho.so.1 -i folder/prog
}

test_scripts_bring_their_interpreters() {
	script plain.sh '#!/bin/bash' 'echo $BASH_VERSION'
	script by_env '#!/usr/bin/env bash'
	script sh.sh '#! /bin/sh -e'
	good -i plain.sh -i sh.sh
	real=$(readlink -f /bin/bash)
	assert_same_bytes "$real" "added$real"
	[ "$real" = /bin/bash ] || leads /bin/bash "$real"
	assertFalse "the guest's own sh is replaced" "[ -e added/bin/sh ]"
	good -i by_env
	leads /.ktbox/bin/bash "$real"
	good -s plain.sh
	assert_same_bytes "$real" "added$real"
	mkdir folder
	cp plain.sh folder
	good -i folder
	assert_same_bytes "$real" "added$real"
}

test_env_with_options_and_words() {
	for line in '-S bash -e' '-S -i A=b bash' '--split-string=-u HOME bash -x' '-vS bash' '-iS -- bash' \
		'-S --split-string=bash -e' '-S -S bash'; do
		script tool "#!/usr/bin/env $line"
		good -i tool
		leads /.ktbox/bin/bash "$(readlink -f /bin/bash)"
		assert_same_bytes /usr/bin/env added/usr/bin/env
	done
	script tool '#!/usr/bin/env bash -e'
	refuses "'bash -e'" -i tool
	script tool '#!/usr/bin/env kt-no-such-tool'
	refuses 'not in PATH on this machine: kt-no-such-tool' -i tool
	refuses 'not in PATH on this machine: kt-no-such-tool' -s tool
}

test_env_that_is_given_a_path_finds_the_program_there_in_the_guest_too() {
	mkdir own
	cp /bin/bash own/kt-shell
	script tool "#!/usr/bin/env -S PATH=/nowhere:$PWD/own kt-shell"
	good -i tool
	assert_same_bytes own/kt-shell "added$(host own/kt-shell)"
	assertFalse "no command for all" "[ -e added/.ktbox/bin/kt-shell ]"
	script tool '#!/usr/bin/env -S PATH=/nowhere bash'
	refuses 'not in PATH=/nowhere on this machine: bash' -i tool
}

test_interpreters_that_are_scripts() {
	script one "#!$PWD/two -x"
	script two "#!$PWD/three"
	script three '#!/bin/bash'
	good -i one
	assert_same_bytes two "added$(host two)"
	assert_same_bytes three "added$(host three)"
	assertTrue "bash is there" "[ -e added$(readlink -f /bin/bash) ]"
	script first "#!$PWD/second"
	script second "#!$PWD/third"
	rm -f third
	refuses "not on this machine: $PWD/third" -i first
}

test_interpreters_that_can_not_be() {
	printf '#!/bin/bash\r\necho x\r\n' >crlf
	chmod +x crlf
	refuses 'CR LF' -i crlf
	refuses 'CR LF' -s crlf
	script bad '#!/no/such/interpreter -x'
	refuses 'not on this machine: /no/such/interpreter' -i bad
	refuses 'not on this machine: /no/such/interpreter' -s bad
	script bad '#!bin/bash'
	refuses 'relative path' -i bad
	script bad '#! '
	refuses 'names no interpreter' -s bad
	script bad "#!/bin/$(text 300)"
	refuses 'longer than 255 bytes' -i bad
	: >plain
	printf '#!%s\n' "$PWD/plain" >bad
	refuses 'not executable' -i bad
	mkdir folder
	cp bad folder
	good -i folder
	assert_matches '^ktrun: the interpreter is not executable: .*/plain, for .*folder/bad$' err
	chmod -x bad
	good -i bad # data
}

test_python_brings_its_library_and_what_that_loads() {
	good -i /usr/bin/python3
	real=$(readlink -f /usr/bin/python3)
	leads /include-files/python3 "$real"
	version=${real##*/}
	assertTrue "json" "[ -e added/usr/lib/$version/json/__init__.py ]"
	assert_matches '/libffi\.so\.[0-9]*$' contents
	assert_matches '/libcrypto\.so\.[0-9]*$' contents
	assert_no_match '(site|dist)-packages/|/test/' contents
	assertEquals "time of a file, by which Python knows its cache" \
		"$(stat -c %Y "/usr/lib/$version/os.py")" "$(stat -c %Y "added/usr/lib/$version/os.py")"
}

test_a_shim_of_a_version_manager_stands_for_its_program() {
	mkdir shims
	script real '#!/bin/sh' 'echo real'
	script manager '#!/bin/sh' 'case $* in "which kt-tool") echo '"$PWD/real"' ;; *) echo "none: $2" >&2; exit 1 ;; esac'
	script shims/kt-tool '#!/usr/bin/env bash' "exec \"$PWD/manager\" exec \"\$program\" \"\$@\""
	cp shims/kt-tool shims/kt-other
	path=$PATH
	PATH=$PWD/shims:$PATH
	good -i kt-tool
	assert_same_bytes real added/include-files/kt-tool
	refuses 'none: kt-other' -i kt-other
	PATH=$path
}

test_a_place_in_the_guest() {
	echo data >'a:b'
	echo hosts >hosts
	mkdir -p folder/sub
	echo x >folder/sub/x
	good -i 'a:b' -i hosts:/etc/hosts -i folder:/opt/data -i hosts:/opt/ -i hosts:/tmp/deep/h -i cat:/opt/bin/kt-cat
	assert_file_text data added/include-files/a:b
	assert_file_text hosts added/etc/hosts
	assert_file_text x added/opt/data/sub/x
	assert_file_text hosts added/opt/hosts
	assert_file_text hosts added/.ktbox/host/tmp/deep/h
	leads /.ktbox/bin/kt-cat /opt/bin/kt-cat
	good -i hosts:/var/run/deep/h -i hosts:/run/other # /var/run is a link in the guest
	assert_file_text hosts added/.ktbox/host/run/deep/h
	assert_file_text hosts added/.ktbox/host/run/other
	for place in /bin/sh /init /.ktbox/env /proc/x /dev/x /scheduler /payload /bin/busybox /lib/ktbox/common.sh /tmp /usr \
		/run/kt/x /run/kt /var/run/kt/x /tmp/sched.log /tmp/dump.txt; do
		refuses "$place" -i folder/sub/x:$place
	done
	for place in /a/../b /a//b /./a; do
		refuses "not a path for the guest: $place" -i hosts:$place
	done
	refuses 'two different files for /opt/x' -i hosts:/opt/x -i folder/sub/x:/opt/x
}

test_a_file_in_the_place_of_a_directory_is_refused() {
	mkdir -p folder/sub
	echo x >folder/sub/x
	echo y >y
	ln -s nowhere folder/link
	for pair in 'y:/opt/x folder/sub/x:/opt/x/y' 'y:/opt/x/y/z y:/opt/x' 'y:/opt/x folder:/opt/x' 'folder:/opt/x y:/opt/x' \
		'y:/opt/x/sub folder:/opt/x' 'folder:/opt/x y:/opt/x/sub' 'folder:/opt/x y:/opt/x/link/z' \
		'y:/opt/x/link/z folder:/opt/x' 'y:/tmp/x y:/tmp/x/y' 'y:/run/x/y y:/var/run/x' \
		'folder:/etc/hosts y' 'y:/bin/sh/y y' 'y:/usr/share y'; do
		refuses ': give ' -i "${pair% *}" -i "${pair#* }"
	done
	good -i folder:/opt/x -i y:/opt/x/y -i folder:/opt/x/deeper -i y:/opt/x/sub/y
	assert_file_text y added/opt/x/sub/y
}

test_a_folder_as_it_is() {
	mkdir -p folder/sub
	ln -s . folder/loop
	ln -s ../.. folder/sub/up
	ln -s nowhere folder/dangling
	ln -s /etc/hostname folder/file
	mkfifo folder/fifo
	script folder/sub/kt-deep '#!/bin/sh'
	good -i folder
	leads /include-files/folder/loop .
	leads /include-files/folder/dangling nowhere
	assert_same_bytes /etc/hostname added/include-files/folder/file
	assertTrue "a FIFO" "[ -p added/include-files/folder/fifo ]"
	leads /.ktbox/bin/kt-deep /include-files/folder/sub/kt-deep
}

test_a_file_with_several_names_is_there_once() {
	mkdir folder
	bytes 300000 >folder/one
	ln folder/one folder/two
	ln -s one folder/three
	good -i folder
	for name in one two three; do
		assert_same_bytes folder/one "added/include-files/folder/$name"
	done
	assertTrue "size" "[ $(wc -c <added.cpio) -lt 400000 ]"
}

test_thousands_of_folders_are_one_on_the_path() {
	"$KT_PYTHON" -c 'import os
for number in range(3000):
    os.makedirs(f"many/{number}")
    open(f"many/{number}/tool{number}", "w").close()
    os.chmod(f"many/{number}/tool{number}", 0o755)'
	good -i many
	assertEquals 3000 "$(find added/.ktbox/bin -type l | wc -l)"
}

test_files_that_are_too_large_for_the_memory_are_refused_before_they_are_packed() {
	truncate -s 500M large
	began=$(clock_ms)
	refuses 'at least' -i large
	assert_matches '^ktrun: -m 512: too little memory: the run.s files take 50[0-9] MiB' err
	assertTrue "it took $(($(clock_ms) - began)) ms" "[ $(($(clock_ms) - began)) -lt 10000 ]"
	truncate -s 5G huge
	refuses 'too little memory' -i huge
	refuses '4 GiB' -m 900000 -i huge
}

test_a_command_that_only_the_host_has_is_refused() {
	script here '#!/bin/sh'
	rm -f stub/args
	for name in ./here "$PWD/here"; do
		run "$KTRUN" -o "$PWD/art" -- "$name"
		assert_refused
		assert_matches "^ktrun: the command is a file of this machine, .*: $PWD/(\\./)?here: give it with -i\$" err
	done
	streams $READY $ATTACHED $STARTED $OUT0 $EXIT
	mkdir folder
	mv here folder
	for word in "-i folder -- /include-files/folder/here" "-i folder/here:$PWD/here -- $PWD/here" \
		"-- /bin/sh" "-- /usr/bin/env" "-- ./no/such" "-i folder/here -- /include-files/here" "-i folder:/opt/f -- /opt/f/here"; do
		run "$KTRUN" -o "$PWD/art" $word
		assertEquals "$word: $(cat err)" 0 "$status"
	done
}

test_a_pipe_is_refused_with_a_line() {
	printf '%s\n' '. "$KT_TEST_LIB/stub.sh"' >unused
	for option in -i --enable -s -k --test; do
		run bash -c '"$0" -o art "$1" <(echo x)' "$KTRUN" $option
		assert_refused
		assert_matches 'is a pipe' err
	done
	echo 'echo 1 > /proc/x' >on
	# shellcheck disable=SC2094 # the descriptor is read
	good --enable /dev/fd/7 7<on
	assert_same_bytes on added/sched_enable
}

. shunit2
