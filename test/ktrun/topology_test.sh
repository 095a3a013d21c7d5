#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --topology and -c: what QEMU is told, and what is refused before anything starts. What the guest makes of it
# is in test/vm/topology_test.sh.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# arguments ARG...: those of QEMU, a line each, in stub/args.
arguments() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun "$@" -- true
	assert_status 0
}

has_arg() { # TEXT
	assertTrue "argument $1 in: $(tr '\n' ' ' <stub/args)" "grep -qxF -- '$1' stub/args"
}

# refuses WORD ARG...: and the line has WORD in it.
refuses() {
	word=$1
	shift
	ktrun "$@"
	assert_refused
	assertTrue "$word is not in: $(cat err)" "grep -qF -- '$word' err"
}

test_cpus_are_one_node_with_one_cache() {
	arguments -c 3
	has_arg '3,sockets=1,dies=1,cores=3,threads=1'
	assert_no_match '^-numa$' stub/args
}

test_a_socket_stands_for_a_cache() {
	arguments --topology 1,2,3,2
	has_arg '12,sockets=2,dies=1,cores=3,threads=2'
	assert_no_match '^-numa$' stub/args
}

test_nodes_get_their_cpus_and_the_first_one_the_odd_memory() {
	arguments --topology 3,2,1,2 -m 401
	has_arg '12,sockets=6,dies=1,cores=1,threads=2'
	has_arg memory-backend-ram,id=node0,size=135M
	has_arg memory-backend-ram,id=node1,size=133M
	has_arg memory-backend-ram,id=node2,size=133M
	has_arg node,nodeid=0,memdev=node0,cpus=0-3
	has_arg node,nodeid=1,memdev=node1,cpus=4-7
	has_arg node,nodeid=2,memdev=node2,cpus=8-11
}

test_the_last_of_both_options_holds() {
	arguments --topology 2,1,2,1 -c 4
	has_arg '4,sockets=1,dies=1,cores=4,threads=1'
	arguments -c 4 --topology 2,1,2,1
	has_arg '4,sockets=2,dies=1,cores=2,threads=1'
}

test_under_kvm_the_guest_sees_its_own_caches() {
	KTRUN_ACCEL=kvm
	arguments --topology 2,1,2,1
	assert_matches '^host,host-cache-info=off,l3-cache=on(,topoext=on)?$' stub/args
	arguments -c 4
	has_arg host
	KTRUN_ACCEL=tcg
}

test_what_is_no_topology() {
	for topology in '' 1 1,1,1 1,1,1,1,1 0,1,1,1 1,0,1,1 1,,1,1 ,1,1,1 '1,1,1,' a,1,1,1 1,1,1,01 -1,1,1,1 1,1,1,1.5 \
		'1, 1,1,1' '1,1,1,*' 1,1,1,1000; do
		refuses --topology --topology "$topology" -- true
	done
}

test_what_the_machine_can_not_be() {
	refuses '256 CPUs' --topology 1,1,256,1 -- true
	refuses '256 CPUs' --topology 4,4,4,4 -- true
	refuses '129 nodes' --topology 129,1,1,1 -- true
	refuses 'APIC number 338' --topology 1,85,3,1 -- true
	refuses '31 MiB for a node' --topology 16,1,1,1 -m 511 -- true
	arguments --topology 16,1,1,1 -m 512
}

. shunit2
