# The CPUs and the memory that the guest sees: NUMA nodes, last-level caches, cores, threads.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   schedulers decide by topology. One place knows how QEMU is told of it.
# In:    the values of -c and --topology, opt_memory. Out: opt_cpus, topo_* (the four numbers), run_smp (the
#        value of -smp), run_numa (more arguments for QEMU, one a line), run_cpu_words (what follows `-cpu
#        host`). Exit: 205 for a topology that can't be made.
#
# A socket stands for a last-level cache: that is what Linux makes of one with the CPUs of TCG and of KVM
# alike (dies show up only with Intel's CPUID, which costs TCG page-table isolation). A node is a
# group of sockets.
# shellcheck disable=SC2015,SC2034,SC2154

topo_node_least=32 # MiB

take_cpus() { # OPTION VALUE
	take_number "$1" "$2" 1 255
	opt_topology='' opt_cpus=$2
}

take_topology() { # OPTION VALUE
	case $2 in
	*,*,*,*,*) topo_bad=yes ;;
	*[!0-9,]* | *,,* | ,* | *, | *[0-9][0-9][0-9][0-9]* | 0* | *,0*) topo_bad=yes ;;
	*,*,*,*) topo_bad='' ;;
	*) topo_bad=yes ;;
	esac
	[ -z "$topo_bad" ] ||
		die "$1: not NODES,CACHES,CORES,THREADS (four numbers from 1): $2"
	opt_topology=$2
	split_topology "$2"
	opt_cpus=$((topo_nodes * topo_caches * topo_cores * topo_threads))
	[ "$topo_nodes" -le 128 ] || die "$1 $2: $topo_nodes nodes, and QEMU's machine takes 128"
	[ "$opt_cpus" -le 255 ] || die "$1 $2: $opt_cpus CPUs, and QEMU's machine takes 255"
}

split_topology() { # N,L,C,T
	IFS=,
	# shellcheck disable=SC2086
	set -- $1
	unset IFS
	topo_nodes=$1 topo_caches=$2 topo_cores=$3 topo_threads=$4
}

check_topology() {
	split_topology "${opt_topology:-1,1,$opt_cpus,1}"
	topo_sockets=$((topo_nodes * topo_caches))
	check_node_memory
	check_apic_numbers
	run_smp="$opt_cpus,sockets=$topo_sockets,dies=1,cores=$topo_cores,threads=$topo_threads"
	run_numa='' run_cpu_words=''
	[ "$topo_nodes" -eq 1 ] || list_nodes
	[ -z "$opt_topology" ] || name_cpu_words
}

check_node_memory() {
	topo_share=$((opt_memory / topo_nodes))
	[ "$topo_nodes" -eq 1 ] || [ "$topo_share" -ge "$topo_node_least" ] ||
		die "--topology $opt_topology: $topo_share MiB for a node, and each needs $topo_node_least:" \
			"give more with -m"
}

# A CPU's number has a field of whole bits for each level, so odd counts leave gaps; 255 is the broadcast.
check_apic_numbers() {
	power_of_two "$topo_cores"
	topo_last=$power
	power_of_two "$topo_threads"
	topo_last=$(((topo_sockets - 1) * topo_last * power + (topo_cores - 1) * power + topo_threads - 1))
	[ "$topo_last" -le 254 ] ||
		die "--topology $opt_topology: the last CPU gets the APIC number $topo_last, and 254 is the" \
			"highest: counts that are powers of two need fewer"
}

# Sets $power: the least power of two that is not less than NUMBER.
power_of_two() { # NUMBER
	power=1
	while [ "$power" -lt "$1" ]; do power=$((power * 2)); done
}

# What does not divide evenly goes to the first node, which the kernel itself fills most.
list_nodes() {
	topo_node=0 topo_cpu=0 topo_size=$((opt_memory - topo_share * (topo_nodes - 1)))
	topo_cpus=$((opt_cpus / topo_nodes))
	while [ "$topo_node" -lt "$topo_nodes" ]; do
		run_numa="$run_numa-object${newline}memory-backend-ram,id=node$topo_node,size=${topo_size}M$newline"
		run_numa="$run_numa-numa${newline}node,nodeid=$topo_node,memdev=node$topo_node"
		run_numa="$run_numa,cpus=$topo_cpu-$((topo_cpu + topo_cpus - 1))$newline"
		topo_node=$((topo_node + 1)) topo_cpu=$((topo_cpu + topo_cpus)) topo_size=$topo_share
	done
}

# Under KVM the guest would see the host's caches; and on AMD no threads without topoext.
name_cpu_words() {
	run_cpu_words=,host-cache-info=off,l3-cache=on
	! grep -q -m 1 '^flags.* topoext' /proc/cpuinfo || run_cpu_words=$run_cpu_words,topoext=on
}
