#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktget and what ktrecv makes of its frames: files and folders of any bytes, what is missing or no file, and
# names that try to leave the folder.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

N='\x01\x00\x00\x00'
M='\x02\x00\x00\x00'

# receive STREAM: decodes it into ./d.
receive() {
	run_kt ktrecv -d d "$1"
}

# recv ITEM...: ktrecv decodes these frames into ./d.
recv() {
	encode "$@" exit#i32:0 >stream
	receive stream
}

# files: the array of stream.json.
files() {
	sed -n 's/^  "files": \(.*\),$/\1/p' d/stream.json
}

# field INDEX KEY: of a record.
field() {
	files | "$KT_PYTHON" -c 'import json, sys
print(json.dumps(json.load(sys.stdin)[int(sys.argv[1])][sys.argv[2]]))' "$1" "$2"
}

assert_field() { # INDEX KEY EXPECTED
	assertEquals "$2 of record $1: $(files)" "$3" "$(field "$1" "$2")"
}

assert_complete() { # EXPECTED
	assertEquals "$(files)" "  \"files_complete\": $1," "$(grep '"files_complete"' d/stream.json)"
}

# below_get: all that stands there, sorted.
below_get() {
	(cd d/get && find . -mindepth 1 | sort | tr '\n' ' ')
}

# got PATH: what d/get has of it.
got() {
	echo "d/get$PWD/$1"
}

test_a_file_of_any_size_and_any_bytes() {
	for size in 0 1 32747 32748 32749 65496 300001; do
		bytes $size >file
		rm -f port
		run_kt ktget -p port "$PWD/file"
		assert_status 0
		receive port
		assert_same_bytes file "$(got file)"
		assert_complete true
		assert_field 0 bytes "$size"
	done
}

test_frames_are_numbered_and_none_is_too_large() {
	bytes 70000 >file
	kt ktget -p port "$PWD/file"
	assertEquals "file file file-data file-data file-data file-end" "$(types_in port)"
	kt ktrecv -j port | grep -o '"number":[0-9]*' | sort -u >numbers
	assertEquals "one number" 1 "$(wc -l <numbers)"
}

test_a_folder_with_all_that_is_below() {
	mkdir -p in/sub/deep in/empty
	bytes 40000 >in/sub/deep/data
	: >in/none
	bytes 10 >"in/a name with \$(id) and 'quotes'"
	printf 'latin' >"$(printf 'in/\351t\351')"
	kt ktget -p port "$PWD/in"
	receive port
	diff -r in "$(got in)"
	assertEquals "folders differ" 0 $?
	assert_complete true
	assert_field 0 files 4
	assert_field 0 folders 4
}

test_links_and_fifos_in_a_folder_are_passed_over_and_counted() {
	mkdir in
	echo secret >secret
	ln -s ../secret in/link
	ln -s /nowhere in/dangling
	mkfifo in/fifo
	echo data >in/data
	run_kt ktget -p port "$PWD/in"
	assert_status 0
	receive port
	assert_complete true
	assert_field 0 skipped 3
	assert_field 0 files 1
	assertEquals data "$(ls "$(got in)")"
}

test_a_link_that_is_named_is_followed() {
	echo data >file
	ln -s file link
	kt ktget -p port "$PWD/link"
	receive port
	assert_same_bytes file "$(got link)"
	assertFalse "a link" "[ -h '$(got link)' ]"
}

test_what_is_missing_or_no_file_is_said_and_the_others_come() {
	echo data >file
	mkfifo fifo
	run_kt ktget -p port "$PWD/none" "$PWD/file" "$PWD/fifo" /dev/null
	assert_status 1
	assert_empty err
	receive port
	assert_status 1 # there is no exit frame
	assert_complete false
	assert_field 0 reason "\"$PWD/none: No such file or directory\""
	assert_field 1 complete true
	assert_field 2 reason '"neither a file nor a directory"'
	assert_field 3 complete false
}

test_a_file_that_can_not_be_read_is_said_by_name() {
	mkdir in
	echo secret >in/secret
	echo data >in/data
	chmod 000 in/secret
	without_capabilities "$KT_BUSYBOX" ktget -p - "$PWD/in" >port
	assertEquals "status" 1 $?
	receive port
	assert_field 0 failed 1
	assert_field 0 files 1
	assert_field 0 reason "\"$PWD/in/secret: Permission denied\""
	assert_complete false
}

test_a_missing_frame_makes_it_incomplete() {
	bytes 70000 >file
	kt ktget -p port "$PWD/file"
	"$KT_PYTHON" - <<-'PYTHON'
		data = open("port", "rb").read()
		at = data.index(b"TADF")
		open("stream", "wb").write(data[:at] + data[at + 32768:])
	PYTHON
	receive stream
	assert_complete false
	assert_field 0 reason '"not all of it arrived"'
	encode "file=${N}kind=begin path=/a" "file=${N}kind=file path=/a" "file-data=${N}data" >stream
	receive stream
	assert_field 0 reason '"its end never came"'
}

test_names_that_lead_out_are_refused() {
	for name in ../x /../x a/../../x /a/../x ./x a/./b .. . / /// 'a\x1b[2J' 'a\nb' 'a\x7f' "$(text 256)" \
		"$(text 200)/$(text 256)"; do
		recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=$name" "file-data=${N}data" \
			"file-end=${N}files=1 folders=0 bytes=4 failed=0 skipped=0"
		assert_complete false
		assertEquals "files of $name" "" "$(find d -path "d/get/*" -type f)"
		assertFalse "d/x" "[ -e d/x ]"
		assertEquals "beside get/ after $name" "sched.log stderr stdout stream.json " \
			"$(find d -mindepth 1 -maxdepth 1 ! -name get ! -name .ktbox-run | sort | sed 's|d/||' | tr '\n' ' ')"
	done
}

test_the_twin_a_harmless_name_is_taken() {
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=..x/...y/a=b path=c" "file-data=${N}data" \
		"file-end=${N}files=1 folders=0 bytes=4 failed=0 skipped=0"
	assert_complete true
	assertEquals "./..x ./..x/...y ./..x/...y/a=b path=c " "$(below_get)"
}

test_no_link_is_followed() {
	mkdir d outside
	mkdir d/get
	ln -s ../../outside d/get/link
	echo mine >outside/file
	ln -s ../../outside/file d/get/file
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=link/new" "file-data=${N}data" \
		"file=${N}kind=file path=file" "file-data=${N}data" "file=${N}kind=folder path=link"
	assert_complete false
	assertEquals file "$(ls outside)"
	assert_file_text mine outside/file
}

test_a_file_where_a_folder_is_and_the_other_way_round() {
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=a" "file=${N}kind=file path=a/b" \
		"file-data=${N}data" "file=${N}kind=folder path=c" "file=${N}kind=file path=c" "file-data=${N}data"
	assert_status 0
	assertEquals "./a ./c " "$(below_get)"
	assert_empty d/get/a
	assert_field 0 failed 2
}

test_two_senders_take_turns() {
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=a" "file=${M}kind=begin path=/b" \
		"file-data=${N}1" "file=${M}kind=file path=b" "file-data=${N}2" "file-data=${M}3" "file-data=${N}4" \
		"file-data=${M}5" "file-end=${N}files=1 folders=0 bytes=3 failed=0 skipped=0" \
		"file-end=${M}files=1 folders=0 bytes=2 failed=0 skipped=0"
	assert_complete true
	assert_file_text 124 d/get/a
	assert_file_text 35 d/get/b
}

test_frames_that_make_no_sense_do_nothing() {
	recv "file-data=${N}data" "file-end=${N}files=1" "file=${N}kind=file path=a" "file=${N}" "file=${N}path=a" \
		"file=${N}kind=begin" "file=${N}kind=begin path=a" "file=${N}kind=nonsense path=a" "file-data=${N}data" \
		"file-end=${N}files=18446744073709551616 folders=-1" "file=${N}kind=failed errno=-99999999999 path=a"
	assert_status 0
	assertFalse "get/ was made" "[ -e d/get ]"
	assert_complete false
	assert_field 0 path '"a"'
	recv 'file=abc'
	assert_status 2
}

# get/ itself is one of them
test_more_files_than_a_run_may_have_are_refused() {
	"$KT_PYTHON" - >stream <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		out = [b"kind=begin path=/a"] + [b"kind=file path=a%d" % (i % 10) for i in range(65600)]
		for text in out:
		    sys.stdout.buffer.write(frames.frame(b"ELIF", b"\1\0\0\0" + text))
	PYTHON
	receive stream
	assert_field 0 files 65535
	assert_field 0 reason '"a5: too many files"'
	assertEquals 10 "$(find d/get -type f | wc -l)"
}

# A path of a hundred folders is one frame
test_folders_that_only_a_path_implies_count_too() {
	"$KT_PYTHON" - >stream <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		out = [b"kind=begin path=/a"] + [b"kind=file path=%d/" % i + b"a/" * 100 + b"f" for i in range(700)]
		for text in out:
		    sys.stdout.buffer.write(frames.frame(b"ELIF", b"\1\0\0\0" + text))
	PYTHON
	ln -s "$KT_MEMORY_DIR" d # the speed of a disk is no subject here
	receive stream
	assertEquals "all" 65536 "$(find d/get | wc -l)"
	field 0 reason >field.out
	assert_matches 'too many files' field.out
}

test_a_path_that_is_very_deep_is_refused() {
	at_limit=$(printf '%0127d' 0 | sed 's,0,a/,g')
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=${at_limit}f" "file=${N}kind=file path=b/${at_limit}f" \
		"file-end=${N}files=2 folders=0 bytes=0 failed=0 skipped=0"
	assert_field 0 files 1
	assert_field 0 failed 1
	assertTrue "the file" "[ -f d/get/${at_limit}f ]"
}

test_bytes_of_a_file_without_a_proper_name_go_nowhere() {
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=one" "file-data=${N}12" "file=${N}kind=file" \
		"file-data=${N}foreign" "file-end=${N}files=2 folders=0 bytes=9 failed=0 skipped=0"
	assert_file_text 12 d/get/one
	assert_complete false
	assert_field 0 failed 1
}

test_files_of_an_earlier_result_go_and_what_is_no_run_s_stays() {
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=old"
	recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=new"
	assertEquals "./new " "$(below_get)"
	rm -r d
	mkdir -p d/get
	echo mine >d/get/file
	for _ in first second; do
		recv "file=${N}kind=begin path=/a" "file=${N}kind=file path=file" "file-data=${N}theirs"
		assert_status 0
		assert_file_text mine d/get/file
		assertEquals "./file " "$(below_get)"
		assert_field 0 reason '"file: the host has a get of its own there"'
	done
}

# requests COUNT SAME: a stream of COUNT requests of one file each, from one sender or from as many.
requests() {
	"$KT_PYTHON" - "$@" >stream <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		write = sys.stdout.buffer.write
		for i in range(int(sys.argv[1])):
		    number = (7 if sys.argv[2] == "one" else i + 1).to_bytes(4, "little")
		    write(frames.frame(b"ELIF", number + b"kind=begin path=/f%d" % i))
		    write(frames.frame(b"ELIF", number + b"kind=file path=f%d" % i))
		    write(frames.frame(b"TADF", number + b"%d" % i))
		    write(frames.frame(b"DNEF", number + b"files=1 folders=0 bytes=%d failed=0 skipped=0" % len(b"%d" % i)))
	PYTHON
}

key() {
	sed -n "s/^  \"$1\": //p" d/stream.json | sed 's/,$//'
}

# More than the list has: all of them land, and each one that does not is counted.
test_any_number_of_requests_is_served() {
	for senders in one many; do
		requests 3500 "$senders"
		receive stream
		assertEquals "files of $senders" 3500 "$(find d/get -type f | wc -l)"
		assert_file_text 3499 d/get/f3499
		assert_complete true
		assertEquals 3500 "$(key files_count)"
		assertEquals 0 "$(key files_incomplete)"
	done
	encode "file=${N}kind=begin path=/z" "file=${N}kind=file path=z" "file-data=${N}z" >>stream
	receive stream
	assert_complete false
	assertEquals 1 "$(key files_incomplete)"
}

test_frames_of_no_request_are_counted() {
	recv "file-data=${N}data"
	assert_complete false
	assertEquals 1 "$(key files_stray_frames)"
	recv sys-ready
	assert_complete true
}

# Each of them would open the path again: two senders could make ktrecv take a minute for each MB.
test_senders_that_take_turns_cost_linear_time() {
	"$KT_PYTHON" - >stream <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		write = sys.stdout.buffer.write
		numbers = [n.to_bytes(4, "little") for n in range(1, 101)]
		for at, number in enumerate(numbers):
		    write(frames.frame(b"ELIF", number + b"kind=begin path=/a"))
		    write(frames.frame(b"ELIF", number + b"kind=file path=" + b"a/" * 126 + b"%d" % at))
		for _ in range(500):
		    for number in numbers:
		        write(frames.frame(b"TADF", number + b"x"))
	PYTHON
	sh -c 'ulimit -t 10; exec "$@"' - "$KT_BUSYBOX" ktrecv -d d stream
	assertEquals "within 10 s of CPU" 1 $?
	assertEquals 50000 "$(find d/get -type f -exec cat {} + | wc -c)"
}

test_paths_can_be_those_of_another_root() {
	mkdir -p root/in
	echo inside >root/in/file
	ln -s /in/file root/link
	run unshare --user --map-root-user "$KT_BUSYBOX" ktget -p port -r root /link
	assert_status 0
	receive port
	assert_file_text inside d/get/link
	run_kt ktget -p other /link
	assert_status 1
}

test_bad_usage() {
	run_kt ktget
	assert_status 1
	assert_matches '^Usage: ktget' err
}

. shunit2
