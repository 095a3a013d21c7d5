#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --topology N,L,C,T on the real kernel: nodes, last-level caches, cores, threads and memory as the guest's
# sysfs shows them.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

MEMORY=401
KERNEL_KB=98304 # at most so much of a node is the kernel's own and not counted by it

oneTimeSetUp() {
	for topology in 1,1,2,1 2,1,2,1 1,2,2,2 2,2,1,2; do
		vm "$topology" --topology "$topology" -m "$MEMORY" -i "$KT_TOP/test/vm/topology" -- topology
	done
}

# expected N L C T: what the guest must print, but for the memory.
expected() {
	awk -v n="$1" -v l="$2" -v c="$3" -v t="$4" '
		function group(cpu, size, first) {
			first = cpu - cpu % size
			return size == 1 ? cpu : first "-" (first + size - 1)
		}
		BEGIN {
			for (i = 0; i < n * l * c * t; i++)
				print "cpu", i, "siblings", group(i, t), "llc", group(i, c * t)
			for (i = 0; i < n; i++)
				print "node", i, "cpus", group(i * l * c * t, l * c * t)
		}'
}

# shows N L C T FILE: whether the file says so.
shows() {
	expected "$1" "$2" "$3" "$4" >wanted
	grep -v '^memory' "$5" | cmp -s - wanted
}

# guest_has N L C T
guest_has() {
	look "$1,$2,$3,$4"
	assert_verdict pass 0
	assertTrue "$(cat "$out")" "shows $1 $2 $3 $4 '$out'"
	assertEquals "nodes with memory" "$1" "$(grep -c '^memory' "$out")"
	odd=$((MEMORY % $1)) share=$((MEMORY / $1))
	while read -r _ node kb; do
		most=$(((share + (node == 0 ? odd : 0)) * 1024))
		assertTrue "node $node has $kb KB of $most" "[ $kb -le $most ] && [ $kb -ge $((most - KERNEL_KB)) ]"
	done <<-END
		$(grep '^memory' "$out")
	END
}

test_one_node_one_cache_two_cores() {
	guest_has 1 1 2 1
}

test_two_nodes_with_a_cache_of_two_cores_each() {
	guest_has 2 1 2 1
}

test_one_node_with_two_caches_of_two_cores_with_two_threads() {
	guest_has 1 2 2 2
}

test_two_nodes_with_two_caches_of_one_core_with_two_threads() {
	guest_has 2 2 1 2
}

# The twin: each guest's sysfs is taken for one of the other topologies, and never passes.
test_a_guest_with_another_topology_is_noticed() {
	for given in 1,1,2,1 2,1,2,1 1,2,2,2 2,2,1,2; do
		for asked in '1 1 2 1' '2 1 2 1' '1 2 2 2' '2 2 1 2' '1 1 4 1' '1 4 2 1' '1 2 4 1' '2 2 2 1'; do
			[ "$(echo "$asked" | tr ' ' ,)" != "$given" ] || continue
			# shellcheck disable=SC2086 # four words
			assertFalse "$given passes for $asked" "shows $asked '$VMS/$given.out'"
		done
	done
}

. shunit2
