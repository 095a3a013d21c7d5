#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --matrix --hosts: which host gets which cell, and what happens when one fails. ssh is a stub for which a host is
# a directory of its own, and QEMU is a stub whose guest passes. test/vm/hosts_test.sh has real ones.

# shellcheck disable=SC1091,SC2154,SC2016,SC2034,SC2086 # what is sourced sets them; scripts are text
. "$KT_TEST_LIB/stub.sh"

# A head that names 4 setup sectors and 16 * 256 bytes of code: an image small enough to be copied often.
KTRUN_KERNEL=$TMPDIR/kernel
export KTRUN_KERNEL
"$KT_PYTHON" -c 'import struct, sys
head = bytearray(1024)
head[0x1f1] = 4
head[0x1f4:0x1f8] = struct.pack("<I", 256)
head[0x202:0x206] = b"HdrS"
sys.stdout.buffer.write(bytes(head).ljust(8192, b"\0"))' >"$KTRUN_KERNEL"

oneTimeTearDown() {
	rm -f "$KTRUN_KERNEL"
}

setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub far near
	streams $READY $ATTACHED $STARTED $ENDED $OUT0 $STOPPED $EXIT
	mv stub/stream stub/passed
	echo 'echo "$TMPDIR" >>"$STUB/runs"; cat "$STUB/passed" >>"$bulk"' >stub/act
	: >stub/runs
	cat >ssh <<-'END'
		#!/bin/sh
		while [ "${1#-}" != "$1" ]; do
			case $1 in -o | -p) shift ;; esac
			shift
		done
		host=${1#user@}
		echo "$1" >>"$STUB/logins"
		if [ -e "$STUB/../$host.sh" ]; then . "$STUB/../$host.sh"; fi
		TMPDIR=$(cd "$STUB/../$host" && pwd) exec sh -c "$2"
	END
	chmod +x ssh
	printf '%s\n' '# two hosts' "1/$PWD/ssh -p 22 user@far" '' "1/$PWD/ssh near" >hosts
	printf '%s\n' 'scheduler = none' 'payload = ok true' 'topology = 1,1,1,1' 'memory = 256' 'repeat = 3' >matrix
}

matrix() {
	run "$KTRUN" --matrix matrix --hosts hosts -o "$PWD/m" "$@"
}

# hosts_of_cells: how many cells each host has, by the job log.
hosts_of_cells() {
	cut -f 2 m/joblog | sort | uniq -c | xargs
}

assert_hosts_are_clean() {
	assertEquals "left on the hosts" "" "$(find far near -mindepth 1 -maxdepth 1)"
}

test_each_cell_runs_once_and_its_result_comes_back() {
	matrix --junit m.xml --report m.html
	assert_status 0
	assert_matches '^matrix: 3 of 3 cells passed' out
	assertEquals "runs" 3 "$(wc -l <stub/runs)"
	assertEquals "hosts" "far near" "$(cut -f 2 m/joblog | sort -u | xargs)"
	assertEquals "cells" "00001 00002 00003" "$(cut -f 9 m/joblog | sort | xargs -n 1 basename -s .sh | xargs)"
	assertEquals "with hosts" 3 "$(grep -cE 'hostname="(far|near)"' m.xml)"
	assert_matches '<td>near</td>' m.html
	for cell in 1 2 3; do
		assert_matches '"verdict": "pass"' "m/0000$cell/result.json"
		assert_matches "\"kernel\": \"$KTRUN_KERNEL\"" "m/0000$cell/result.json"
	done
	assertEquals "half results" "" "$(find m -name '*.new')"
	assert_hosts_are_clean
}

# make_vmlinux: beside the kernel, a program with debug information; the guest panics in its function `broken`.
make_vmlinux() {
	banner='Linux version 9.9.9-test (someone@somewhere) #1 SMP'
	mkdir init
	cat >init/main.c <<-END
		const char banner[] = "$banner\n";
		int start_kernel(void) { return 0; }
		int main(void) { return start_kernel(); }
		int broken(void) { return 1; } /* line 4 */
	END
	gcc -g -o "$TMPDIR/vmlinux" init/main.c
	printf '[    1.0] %s\n' "$banner" 'Kernel panic - not syncing: of a test' 'RIP: 0010:broken+0x0/0xb' >stub/console
	streams $READY $STARTED
	mv stub/stream stub/passed
}

test_addresses_of_a_run_on_a_host_become_source_lines_here() {
	make_vmlinux
	matrix --junit m.xml
	rm "$TMPDIR/vmlinux"
	assert_status 1
	assert_matches 'RIP: 0010:broken.0x0/0xb .init/main.c:4.$' m/00002.err
	assert_valid m/00002/result.json
	assert_matches '"places":[{]"broken.0x0/0xb":.*"file":"init/main.c","line":4' m/00002/result.json
	assert_hosts_are_clean
}

test_this_machine_is_a_host() {
	echo '2/:' >hosts
	matrix
	assert_status 0
	assertEquals "3 localhost" "$(hosts_of_cells)"
	assertEquals "left" "" "$(find "$TMPDIR" -name 'ktbox-host.*')"
}

test_a_host_that_cannot_be_reached_is_left_out_and_named() {
	echo 'echo "ssh: connect to host $host: refused" >&2; exit 255' >far.sh
	matrix
	assert_status 0
	assert_matches '^ktrun: matrix: far is left out: ssh: connect to host far: refused$' err
	assertEquals "3 near" "$(hosts_of_cells)"
}

test_a_host_without_qemu_or_python_is_left_out() {
	echo 'KTRUN_QEMU=/no/such/qemu' >far.sh
	matrix
	assert_status 0
	assert_matches '^ktrun: matrix: far is left out: no program /no/such/qemu' err
	rm -r m
	echo 'cd "$STUB/../$host" && PATH=/no/such exec /bin/sh -c "$2"' >far.sh
	matrix
	assert_status 0
	assert_matches '^ktrun: matrix: far is left out: it has no python3' err
}

test_no_host_at_all_is_an_error() {
	echo 'exit 255' | tee far.sh >near.sh
	matrix
	assert_status 205
	assert_matches '^ktrun: --hosts: no host can run the matrix$' err
	assertEquals "runs" 0 "$(wc -l <stub/runs)"
	assert_no_temporary_folder
}

test_cells_that_a_broken_host_could_not_run_are_run_by_the_other() {
	{ echo 'case $TMPDIR in */far/*) echo "no such machine" >&2; exit 1 ;; esac' && cat stub/act; } >act
	mv act stub/act
	sed -i 's/repeat = 3/repeat = 6/' matrix
	matrix
	assert_status 0
	assert_matches '^ktrun: matrix: far is left out: it could not run 3 cells one after the other, the last: .*no such' err
	assertEquals "6 near" "$(hosts_of_cells)"
	assertEquals "runs" 6 "$(wc -l <stub/runs)"
	assert_hosts_are_clean
}

test_a_cell_whose_connection_breaks_is_run_by_the_other() {
	echo 'case $2 in *far_host*) echo "connection lost" >&2; exit 255 ;; esac' >far.sh
	sed -i 's/repeat = 3/repeat = 6/' matrix
	matrix
	assert_status 0
	assertEquals "6 near" "$(hosts_of_cells)"
	assert_matches '^ktrun: matrix: far is left out: .*connection lost' err
}

test_a_cell_that_no_host_can_run_is_an_error_and_ends() {
	echo 'echo "$TMPDIR" >>"$STUB/runs"; echo "no such machine" >&2; exit 1' >stub/act
	sed -i 's/repeat = 3/repeat = 1/' matrix
	matrix
	assert_status 1
	assert_matches ' 0/1 0% .* 1 error, first 00001' out
	assertEquals "runs" 2 "$(wc -l <stub/runs)"
}

test_what_is_not_finished_goes_on_later() {
	matrix
	rm -r m/00003
	sed -i 's/"verdict": "[a-z]*"/"verdict": "interrupted"/' m/00002/result.json
	: >stub/runs
	matrix
	assert_status 0
	assertEquals "runs" 2 "$(wc -l <stub/runs)"
	: >stub/runs
	matrix
	assertEquals "runs of a finished matrix" 0 "$(wc -l <stub/runs)"
}

# begin_matrix: one of which two guests run and do not end. Leaves pid, that of ktrun, and pids, those of QEMU.
begin_matrix() {
	mkfifo stub/began
	echo 'echo $$ >"$STUB/began"; exec sleep 1000' >stub/act
	"$KTRUN" --matrix matrix --hosts hosts -o "$PWD/m" >out 2>err &
	pid=$!
	exec 6<>stub/began
	timeout "$KT_CEILING" head -n 2 <&6 >pids
}

test_a_matrix_that_is_asked_to_end_leaves_nothing_on_the_hosts() {
	begin_matrix
	kill -TERM "$pid"
	end_of "$pid"
	exec 6<&-
	assertEquals "status: $(cat err)" 130 "$status"
	assert_matches "^ktrun: matrix: stopped; go on with: ktrun --matrix $PWD/matrix --hosts $PWD/hosts -o $PWD/m$" err
	while read -r qemu; do assertFalse "QEMU $qemu lives" "kill -0 $qemu"; done <pids
	assertEquals "verdicts" "interrupted interrupted" \
		"$(sed -n 's/^  "verdict": "\([^"]*\)".*/\1/p' m/*/result.json | xargs)"
	assert_hosts_are_clean
}

test_a_killed_matrix_leaves_nothing_on_the_hosts() {
	begin_matrix
	kill -KILL "$pid"
	end_of "$pid"
	exec 6<&-
	while read -r qemu; do wait_until "! kill -0 $qemu 2>/dev/null"; done <pids
	wait_until '[ -z "$(find far near -mindepth 1 -maxdepth 1)" ]'
	rm -rf "$TMPDIR"/ktrun.* # nobody can do that for a killed process
	run "$KT_BUSYBOX" flock m/lock true # parallel has ended its cells
	assertEquals "half results" "" "$(find m -name '*.new')"
}

test_files_of_the_cells_come_along() {
	echo hello >word
	{ cat matrix && echo 'options = -i word --get /include-files/word'; } >new
	mv new matrix
	sed -i 's/repeat = 3/repeat = 1/' matrix
	echo 'cp "$initrd" "$STUB/initrd"; cat "$STUB/passed" >>"$bulk"; rm -f "$STUB/../word"' >stub/act
	matrix
	assert_status 0
	assert_matches 'include-files/word' stub/initrd
	assert_matches 'hello$' stub/initrd
}

test_a_result_of_a_host_stays_in_its_place() {
	launcher 'import io, json, os
from launcher.hosts.far_files import BadTree, receive_tree
end = b"{\"end\": true}\n"
def head(**keys): return json.dumps(keys).encode() + b"\n"
def file(name): return head(file=name, size=1) + b"x"
for number, (what, data) in enumerate((
        ("good", head(directory="run") + file("run/a") + file("run/get/b") + end),
        ("parent", file("../x") + end), ("absolute", file("/x") + end), ("inner", file("run/../../x") + end),
        ("empty", file("") + end), ("NUL", file("a\0b") + end), ("surrogate", file("\ud800") + end),
        ("twice", file("a") + file("a") + end), ("file as directory", file("a") + file("a/b") + end),
        ("large", head(file="a", size=2000) + b"x" * 2000 + end), ("negative", head(file="a", size=-1) + end),
        ("bool", head(file="a", size=True) + b"x" + end), ("float", head(file="a", size=1.0) + b"x" + end),
        ("link", head(link="a", target="/etc") + end), ("list", b"[1]\n" + end), ("text", b"hello\n" + end),
        ("deep", b"[" * 5000 + b"\n" + end), ("endless", b"x" * 100000), ("short", head(file="a", size=10) + b"x"),
        ("no end", file("a")), ("nothing", b""), ("many", file("a/b") * 3 + end))):
    top = f"t{number}"
    os.mkdir(top)
    try:
        receive_tree(io.BytesIO(data), top, 1000)
        print(what, "taken", sorted(os.listdir(top)))
    except BadTree as error:
        pass' >taken
	assert_file_text "good taken ['run']" taken
	assertFalse "outside" "[ -e x ] || [ -e ../x ] || [ -e /x ]"
}

test_what_is_wrong_with_the_hosts_is_reported_by_its_line() {
	while IFS='|' read -r bad said; do
		printf '# first\n%s\n' "$bad" >hosts
		matrix
		assert_status 205
		assertEquals "lines on stderr: $(cat err)" 1 "$(wc -l <err)"
		assert_matches "^ktrun: --hosts: .*/hosts, line 2: .*$said" err
	done <<-'END'
		0/host|not 1 to 1000 cells at once
		99999/host|not 1 to 1000 cells at once
		ssh -p 22|not \[USER@\]HOST
		host:22|a port is an option of ssh
		-oProxyCommand=x|not \[USER@\]HOST
		ssh 'host|No closing quotation
		no-such-ssh host|no program no-such-ssh, which is to reach the host
		2/: # here|a comment needs a line of its own
	END
	echo '# nobody' >hosts
	matrix
	assert_status 205
	assert_matches '^ktrun: --hosts: no host in ' err
	rm hosts
	matrix
	assert_status 205
	assert_matches '^ktrun: --hosts not found: ' err
	run "$KTRUN" --hosts matrix -- true
	assert_status 205
	assert_matches '^ktrun: --hosts: only for a matrix: give --matrix$' err
	assertEquals "runs" 0 "$(wc -l <stub/runs)"
}

test_what_only_this_machine_has_is_refused() {
	cp matrix good
	for words in --host-root '--ro /etc:/mnt/x' '--record figures --stats'; do
		{ cat good && echo "options = $words"; } >matrix
		matrix
		assert_status 205
		assert_matches '^ktrun: --hosts: .* on this machine only' err
		rm -r m
	done
	assertEquals "logins" "" "$(cat stub/logins 2>/dev/null)"
}

. shunit2
