#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --warm without a VM: when a run is cold and what is said then, the options, and the cache of saved guests.

# shellcheck disable=SC1091,SC2154,SC2016,SC2086 # what is sourced sets them; Python's own; items are words
. "$KT_TEST_LIB/stub.sh"

# ktrun has its cache below its tree; a copy of an installed one has a cache of its own.
ktrun_of_its_own() {
	mkdir -p inst home
	cp -R "$KT_TOP/host" inst/host
	ln -s "$KT_BUSYBOX" inst/busybox
	ln -s "$KT_TOP/build/initramfs.cpio" inst/initramfs.cpio
	echo test >inst/version
	KTRUN_KERNEL=$PWD/kernel
	HOME=$PWD/home
	XDG_CACHE_HOME=
	export KTRUN_KERNEL HOME XDG_CACHE_HOME
	cp "$KT_TOP/build/kernel/image" kernel
	CACHE=$PWD/home/.cache/ktbox/warm
	streams $READY $STARTED $OUT0 $EXIT
}

own() { # ARG...
	rm -rf art
	run inst/host/ktrun -o "$PWD/art" "$@"
}

# cache PROGRAM ARG...: Python with the modules, and `cache`, the Cache in ./c.
cache() {
	cache_program=$1
	shift
	launcher 'import dataclasses, os, time
from launcher.warm import snapshot
from launcher.warm.snapshot import *
cache = snapshot.Cache(os.getcwd() + "/c")
cache.open()
def made(key, size=4096):
	with cache.new_directory() as new:
		for name in ("state", "initramfs.cpio", "ram", *snapshot.COPIED):
			with open(new + "/" + name, "wb") as file:
				file.write(bytes(1 if name == "ram" else 0) and b"x" * size)
		cache.add(key, new, "words of the kernel", "title")
KEY, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32
'"$cache_program" "$@"
}

test_a_qemu_that_ends_makes_the_run_cold_and_one_line_says_so() {
	ktrun_of_its_own
	own --warm -- true
	assert_verdict pass 0
	assert_value start cold
	assert_value snapshot_age_secs null
	assertEquals "lines: $(cat err)" 1 "$(grep -c '^ktrun: a cold run, not a warm one: no snapshot: ' err)"
	assert_valid art/result.json
	assertEquals "what is left" "" "$(find "$CACHE" -mindepth 1 -type d)"
	own -q --warm -- true
	assertEquals "stderr with -q" "" "$(cat err)"
}

test_without_warm_nothing_is_made() {
	ktrun_of_its_own
	own -- true
	assert_value start cold
	assertFalse "a cache" "[ -e $CACHE ]"
	assertFalse "a port for files" "grep -q ktbox-files stub/args"
}

test_the_last_of_warm_and_cold_wins() {
	ktrun_of_its_own
	own --warm --cold -- true
	assert_no_match 'a cold run' err
	KTRUN_OPTS=--warm own --cold -- true
	assert_no_match 'a cold run' err
	KTRUN_OPTS='--warm --cold' own --warm -- true
	assert_matches '^ktrun: a cold run, not a warm one' err
	KTRUN_OPTS=--warm own -- true
	assert_matches '^ktrun: a cold run, not a warm one' err
}

test_what_can_not_be_warm_is_cold_with_a_reason_under_v() {
	ktrun_of_its_own
	for words in '--qemu-arg -snapshot' '--append break=trace' --record-replay; do
		own --warm $words -- true
		assert_verdict pass 0
		assert_no_match '^ktrun: a cold run' err
		own --warm -v $words -- true
		assertEquals "lines of $words: $(cat err)" 1 "$(grep -c '^ktrun: a cold run: ' err)"
	done
	assertFalse "a saved guest" "[ -e $CACHE ]"
}

test_no_cache_is_a_cold_run() {
	ktrun_of_its_own
	mkdir -p "${CACHE%/*}"
	: >"$CACHE"
	own --warm -- true
	assert_verdict pass 0
	assert_matches "^ktrun: a cold run, not a warm one: unable to use the cache $CACHE: " err
	rm "$CACHE"
	mkdir "$CACHE"
	chmod 500 "$CACHE" "${CACHE%/*}"
	ktrun_in_user_mode --warm -- true
	assert_verdict pass 0
	assert_matches '^ktrun: a cold run, not a warm one: .*(permission|unable)' err
	chmod 700 "${CACHE%/*}"
	unset HOME
	own --warm -- true
	assert_matches '^ktrun: a cold run, not a warm one: there is no directory for a cache' err
}

ktrun_in_user_mode() {
	rm -rf art
	if [ "$(id -u)" = 0 ]; then
		run setpriv --inh-caps=-all --bounding-set=-all inst/host/ktrun -o "$PWD/art" "$@"
	else
		own "$@"
	fi
}

test_bad_input_is_refused() {
	ktrun_of_its_own
	KTRUN_WARM_MAX=lots own --warm -- true
	assert_status 205
	assert_matches '^ktrun: KTRUN_WARM_MAX: not a size .*: lots$' err
	own --warm-list -- true
	assert_status 205
	for words in '--warm-list -q' '--warm-clear --warm-list' '--warm-clear -v'; do
		run inst/host/ktrun $words
		assert_status 205
		assert_matches '^ktrun: --warm-(list|clear): no other option goes with it: -' err
	done
	KTRUN_OPTS=--warm-clear run inst/host/ktrun -- true
	assert_status 205
	assert_matches '^ktrun: KTRUN_OPTS: --warm-clear belongs on the command line' err
}

test_the_words_of_a_run_are_not_the_kernels() {
	launcher 'from launcher.machine.arguments import split_words
print(split_words("console=ttyS0 ktbox.dmesg=1 ktbox.trace_kb=9 break=payload\tktbox.term=xterm quiet"))
print(split_words("""a="x ktbox.dmesg=1 y" ktbox.ctl=1"""))' >out
	assert_file_text "('console=ttyS0 ktbox.trace_kb=9 quiet ktbox.files=port', 'ktbox.dmesg=1 break=payload ktbox.term=xterm')
('a=\"x ktbox.dmesg=1 y\" ktbox.ctl=1 ktbox.files=port', '')" out
}

test_what_was_saved_is_found_as_it_was() {
	cache 'made(KEY)
found = cache.find(KEY)
print(found.record.words, found.record.title, os.path.basename(found.directory) == KEY, cache.find(OTHER))
print(oct(os.stat(cache.path).st_mode & 0o777), oct(os.stat(found.directory).st_mode & 0o777))' >out
	assert_file_text 'words of the kernel title True None
0o700 0o700' out
}

test_each_kind_of_damage_is_noticed() {
	cache 'def damaged(what, harm):
	made(KEY)
	harm(cache.path + "/" + KEY + "/")
	try:
		print(what, "found", cache.find(KEY))
	except DamagedSnapshot as why:
		print(what, str(why).replace(cache.path, "").replace(KEY, "KEY")[:40])
	cache.discard(KEY)
	assert cache.find(KEY) is None
def write(path, data, mode="wb"):
	with open(path, mode) as file:
		file.write(data)
for name in ("ram", "state", "initramfs.cpio", "bulk.bin", "console.log", "com2.log"):
	damaged(name + " cut", lambda at: os.truncate(at + name, 0) if name == "ram" else write(at + name, b"", "wb"))
	damaged(name + " garbage", lambda at: write(at + name, b"garbage", "r+b"))
	damaged(name + " gone", lambda at: os.unlink(at + name))
	damaged(name + " unreadable", lambda at: os.chmod(at + name, 0))
	damaged(name + " link", lambda at: (os.rename(at + name, at + "x"), os.symlink("x", at + name)))
damaged("record gone", lambda at: os.unlink(at + "snapshot.json"))
damaged("record garbage", lambda at: write(at + "snapshot.json", b"{]"))
damaged("record a fifo", lambda at: (os.unlink(at + "snapshot.json"), os.mkfifo(at + "snapshot.json")))
damaged("record of another", lambda at: write(at + "snapshot.json", b"{}"))
damaged("record without files", lambda at: write(at + "snapshot.json", snapshot.to_json(dataclasses.replace(
	snapshot._read_record(at), files=()))))
damaged("other version", lambda at: write(at + "snapshot.json", snapshot.to_json(dataclasses.replace(
	snapshot._read_record(at), format=99))))' >out
	assertEquals "kinds" 36 "$(wc -l <out)"
	assert_no_match ' found ' out
	assert_matches '^ram garbage /KEY/ram: not as it was made' out
	assert_matches '^record garbage /KEY/snapshot.json: ' out
	assert_matches '^record a fifo /KEY/snapshot.json: ' out
	assert_matches '^other version /KEY: of another version of ktbox' out
}

test_the_least_recently_used_goes_first_and_never_one_in_use() {
	cache 'os.environ["KTRUN_WARM_MAX"] = "5M"
mib = 1 << 20
for number, key in enumerate((KEY, OTHER, THIRD)):
	made(key, mib)
	os.utime(cache.path + "/" + key, (number + 1, number + 1))
in_use = cache.find(KEY)
os.utime(cache.path + "/" + KEY, (1, 1))
print([entry.name[0] for entry in cache.entries() if entry.is_in_use])
made("d" * 32, 2 * mib)
print([entry.name[0] for entry in cache.entries()])
os.close(in_use.lock)
made("e" * 32, 3 * mib)
print([entry.name[0] for entry in cache.entries()])
try:
	made("f" * 32, 6 * mib)
except CannotCache as why:
	print(why)
print([entry.name[0] for entry in cache.entries()], os.listdir(cache.path))' >out
	assert_file_text "['a']
['a', 'c', 'd']
['e']
the snapshot takes 6 MiB, more than KTRUN_WARM_MAX (5 MiB)
['e'] ['$(printf 'e%.0s' $(seq 32))']" out
}

test_what_was_left_aside_by_a_killed_run_goes() {
	mkdir -p c/warm/new.0123456789abcdef
	: >c/warm/new.0123456789abcdef/ram
	cache 'made(KEY)
print(len(os.listdir(cache.path)))' >out
	assert_file_text 1 out
}

# By that a run that has waited for another one knows that it was killed.
test_what_was_left_aside_is_told_from_what_is_being_made() {
	mkdir -p c/warm/new.0123456789abcdef
	cache 'print(cache.remove_left_over(), cache.remove_left_over())
with cache.new_directory():
	print(cache.remove_left_over())' >out
	assert_file_text 'True False
False' out
}

# Somebody has moved it to another disk, perhaps.
test_a_link_or_a_file_in_the_place_of_a_saved_guest_is_damage_and_goes_alone() {
	mkdir elsewhere
	echo kept >elsewhere/file
	cache 'def found(make):
	make(cache.path + "/" + KEY)
	print([(entry.record, entry.bytes, entry.is_in_use) for entry in cache.entries()])
	try:
		print("found", cache.find(KEY))
	except DamagedSnapshot as why:
		print(str(why).replace(cache.path, "").replace(KEY, "KEY"))
		cache.discard(KEY)
	print(os.listdir(cache.path))
elsewhere = os.path.abspath("elsewhere")
found(lambda path: os.symlink(elsewhere, path))
found(lambda path: os.symlink("/nonexistent", path))
found(lambda path: open(path, "w").close())
os.symlink(elsewhere, cache.path + "/" + KEY)
print(cache.clear())
made(KEY)
os.close(cache.find(KEY).lock)' >out
	for _ in 1 2 3; do
		echo '[(None, 0, False)]'
		echo '/KEY: not a directory'
		echo '[]'
	done >expected
	echo '(1, 0)' >>expected
	assert_same_bytes expected out
	assert_file_text kept elsewhere/file
}

test_a_later_attempt_does_not_try_again_what_could_not_be_warm() {
	ktrun_of_its_own
	streams $READY $STARTED $OUT7 $EXIT
	own --warm --retries 2 -- true
	assert_verdict fail 7
	assertEquals "lines: $(cat err)" 1 "$(grep -c '^ktrun: a cold run, not a warm one: no snapshot: ' err)"
	assertEquals "attempts" 2 "$(find art -name 'attempt-*' | wc -l)"
}

test_list_and_clear() {
	ktrun_of_its_own
	run inst/host/ktrun --warm-list
	assert_status 0
	assert_file_text 'no saved guests' out
	mkdir -p "$CACHE"
	mkdir c
	ln -s "$CACHE" c/warm
	cache 'made(KEY)
made(OTHER)
os.unlink(cache.path + "/" + OTHER + "/snapshot.json")'
	run inst/host/ktrun --warm-list
	assert_status 0
	assert_matches '^aaaaaaaaaaaa +0 MiB  made [0-9]+ s ago  used [0-9]+ s ago  title$' out
	assert_matches '^bbbbbbbbbbbb +0 MiB  damaged$' out
	run inst/host/ktrun --warm-clear
	assert_status 0
	assert_file_text 'saved guests: 2 removed, 0 MiB' out
	assertEquals "what is left" "" "$(ls "$CACHE")"
}

# A QMP server of the test's own, in the place of QEMU.
test_qmp_says_what_is_wrong_and_never_waits_longer_than_its_deadline() {
	launcher 'import json, socket, threading, time
from launcher.lib.jobs import Jobs
from launcher.machine.qmp import Qmp, QmpError
def talk(*answers, closes=True):
	near, far = socket.socketpair()
	def serve():
		for answer in answers:
			try:
				far.sendall(answer)
			except OSError:
				return  # what is too long for it, Qmp does not take
		if closes:
			far.shutdown(socket.SHUT_WR)
	server = threading.Thread(target=serve)
	server.start()
	started = time.monotonic()
	with Jobs() as jobs:
		qmp = Qmp(near, jobs, 0.3)
		try:
			qmp.begin()
			qmp.prepare_migrations()
			qmp.migrate("migrate", "exec:true")
			print("completed")
		except QmpError as why:
			print(why)
	assert time.monotonic() - started < 30
	near.close()
	server.join()
	far.close()
ok = b"{\"return\": {}}\n"
hello = b"{\"QMP\": {}}\n"
def event(status):
	return b"{\"event\": \"MIGRATION\", \"data\": {\"status\": \"" + status + b"\"}}\n"
talk(hello, ok, ok, ok, event(b"setup"), event(b"completed"))
talk(hello, ok, ok, event(b"active") + event(b"completed") + ok)
talk(hello, ok, ok, event(b"active") + ok, event(b"failed"))
talk(hello, ok, b"{\"error\": {\"desc\": \"no such capability\"}}\n")
talk(hello, ok, ok, ok)
talk(b"")
talk(hello, b"garbage\n")
talk(hello, b"[]\n")
talk(hello, closes=False)
talk(b"x" * 1100000, closes=False)' >out 2>&1
	assert_file_text 'completed
completed
migrate: failed
migrate-set-capabilities: no such capability
QEMU has ended
QEMU has ended
not a message of QEMU'"'"'s: Expecting value: line 1 column 1 (char 0)
not a message of QEMU'"'"'s
QEMU did not answer in time
a message without an end' out
}

test_a_wait_of_years_is_a_wait() {
	launcher 'import socket
from launcher.lib.jobs import Jobs
near, far = socket.socketpair()
far.sendall(b"x")
with Jobs() as jobs:
	print(jobs.wait_readable(near, 99999999))' >out 2>&1
	assert_file_text True out
}

test_the_breakpoints_before_the_resume_are_those_of_init() {
	launcher 'from launcher.warm import start as warm
print(*warm._BEFORE_RESUME)' >out
	(
		. "$KT_TOP/rootfs/lib/ktbox/breakpoints.sh"
		echo "${BREAKPOINTS%% run_files*} run_files"
	) >expected
	assertEquals "$(cat expected)" "$(cat out)"
}

test_a_replay_keeps_how_the_guest_was_started() {
	ktrun_of_its_own
	own -- true
	sed -i 's/"start": "cold"/"start": "warm"/; s/"snapshot_age_secs": null/"snapshot_age_secs": 7200/' art/host.json
	run inst/host/ktrun --replay "$PWD/art"
	assert_value start warm
	assert_value snapshot_age_secs 7200
	assert_matches ', warm \(the saved guest is 2 hours old\)$' err
	sed -i 's/"start": "warm"/"start": "hot"/' art/host.json
	run inst/host/ktrun --replay "$PWD/art"
	assert_status 205
	assert_matches "start: 'hot'" err
}

. shunit2
