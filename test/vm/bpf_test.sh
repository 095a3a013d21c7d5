#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --bpf on a real kernel: what the demo scheduler's programs and maps held when it died, in each way, and when it ended
# in order.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; the guest's shell expands
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	vm error --bpf -s "$DEMO" -a "--error-after $WHEN_TOLD" -- sh -c "$FAIL_NOW; sleep 600"
	vm killed --bpf -s "$DEMO" -- sh -c 'kill -KILL "$(cat /run/kt/sched.pid)"; sleep 600'
	vm passes --bpf -s "$DEMO" -- echo over
	vm none --bpf -- true
	vm background --bpf -s "$DEMO" -a --background -- echo over
	cat >"$FILES/unplug.sh" <<-'END'
		echo 0 >/sys/devices/system/cpu/cpu1/online
		until [ "$(grep -c attached /tmp/sched.log)" -eq 2 ]; do ktlatch wait -t 0.2 never_set; done
		echo "attached again"
	END
	vm restart --bpf -s "$DEMO" -a --restart -i "$FILES/unplug.sh" -- sh /include-files/unplug.sh
}

# ask PYTHON: of result.json, as "bpf", and "art"
ask() {
	"$KT_PYTHON" -c "import json, sys
art = sys.argv[1]
bpf = json.load(open(art + '/result.json'))['bpf']
$1" "$art"
}

assert_kept() { # the programs ran, and the global data is there
	assertEquals "problem" None "$(ask 'print(bpf["problem"])')"
	assertEquals "programs" True "$(ask 'print({"demo_enqueue", "demo_dispatch", "demo_init", "demo_exit"} <=
		{one["name"] for one in bpf["programs"] if one["type"] == "struct_ops" and one["verified_insns"] > 0})')"
	assertEquals "calls of init and exit" '[1, 1]' "$(ask 'print([one["run_cnt"] for one in bpf["programs"]
		if one["name"] in ("demo_init", "demo_exit")])')"
	assertEquals "calls of enqueue" True "$(ask 'print(all(one["run_cnt"] > 0 and one["run_time_ns"] > 0
		for one in bpf["programs"] if one["name"] == "demo_enqueue"))')"
	assertEquals "maps" True "$(ask 'print({"scx_demo.bss", "scx_demo.data"} <=
		{one["name"] for one in bpf["maps"] if one["file"] and one["left_out"] is None and one["entries"] == 1})')"
	assertEquals "values" True "$(ask 'print(all(len(entry["value"]) == one["value_size"] and len(entry["key"]) == 4
		for one in bpf["maps"] if one["file"] for entry in json.load(open(art + "/" + one["file"]))))')"
}

test_an_ejected_scheduler_leaves_its_programs_and_maps() {
	look error
	assert_verdict sched-died 202
	assert_kept
	assert_matches '^  bpf        [1-9][0-9]* programs with [1-9][0-9]* calls, [1-9][0-9]* maps, [1-9][0-9]* of them kept$' "$err"
	assert_no_match '^  files ' "$err"
	ask 'print("".join(chr(int(byte, 16)) for one in bpf["maps"] if one["name"] == "scx_demo.data"
		for byte in json.load(open(art + "/" + one["file"]))[0]["value"]))' >data
	assert_matches 'deliberate error, asked for by --error-after' data
}

test_the_types_of_the_maps_are_there() {
	look error
	assertEquals "magic number of BTF" True "$(ask 'names = {str(one["btf_id"]) for one in bpf["maps"] if one["file"]}
print(all(open(art + "/get/run/kt/bpf/btf-" + name, "rb").read(2) == b"\x9f\xeb" for name in names))')"
}

test_a_map_that_can_not_be_listed_is_named() {
	look error
	assertEquals "the ring buffer" "a map of this type can't be listed" \
		"$(ask 'print(*[one["left_out"] for one in bpf["maps"] if one["type"] == "ringbuf"])')"
}

test_a_killed_scheduler_leaves_them_too() {
	look killed
	assert_verdict sched-died 202
	assert_kept
}

test_one_that_ended_in_order_leaves_them_and_a_replay_says_the_same() {
	look passes
	assert_verdict pass 0
	assert_kept
	ask 'print(bpf)' >before
	cp -R "$art" copy
	run "$KTRUN" --replay copy
	assert_status 0
	art=copy
	ask 'print(bpf)' >after
	assert_same_bytes before after
	assert_kept
}

test_they_are_those_of_a_scheduler_whose_child_attached_it() {
	look background
	assert_kept
}

test_a_scheduler_that_restarted_has_those_of_its_last_attach_only() {
	look restart
	assert_verdict pass 0
	assert_value scheduler_restarts 1
	assert_kept
}

test_without_a_scheduler_there_is_nothing_and_the_summary_says_why() {
	look none
	assert_verdict pass 0
	assert_matches '^  bpf        0 programs, 0 maps, 0 of them kept \(the guest has sent none: no scheduler attached' "$err"
}

# shellcheck disable=SC1091
. shunit2
