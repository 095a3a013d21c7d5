# What a guest may make of the host's disk.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   QEMU itself writes what the guest sends and prints, at the guest's speed. Whoever only watched the
#        files would be late on a busy machine; a limit of the process (RLIMIT_FSIZE) holds whatever happens.
# In:    opt_max_output; afterwards run_qemu_status and the files. Out: a bound on QEMU; run_full, the file
#        that has reached it, or empty. Exit: 205 for a value
#        that is no size.
#
# The shares, in eighths of --max-output: bulk.bin, console.log, com2.log and qemu.log have one each. What
# is decoded from bulk.bin takes at most two (a scheduler's log is in two files), hang.txt no more than
# console.log, and one is for what ktrun itself writes.
#
# The byte too many ends QEMU (SIGXFSZ) when its main thread writes it: that of a virtio port. The thread
# of a CPU, which writes what comes out of a UART, has the signal blocked: such bytes are dropped, and the
# run goes on. At some 600 KB/s, the time limit of a run comes first by default.
# shellcheck disable=SC2015,SC2034,SC2154

limit_status=153 # 128 and SIGXFSZ

# Leaves it as it was given: it is for people, too. size_kib is what it means.
take_size() { # OPTION VALUE
	take_count=${2%[KMG]}
	case $take_count in
	'' | 0* | *[!0-9]* | ????????*) refuse_size "$@" ;;
	esac
	size_kib "$2"
	[ "$kib" -ge 1024 ] || refuse_size "$@"
}

refuse_size() { # OPTION VALUE
	die "$1: not a size of at least 1M, such as 500M or 2G: $2"
}

# Sets $kib, rounded down.
size_kib() { # SIZE
	case $1 in
	*G) kib=$((${1%G} * 1048576)) ;;
	*M) kib=$((${1%M} * 1024)) ;;
	*K) kib=${1%K} ;;
	*) kib=$(($1 / 1024)) ;;
	esac
}

# To be run with "&": the limit is for the rest of this shell's life. A lower one that ktrun was started
# with stays. No core either: it would have the guest's memory in it, and lie in the current folder.
limited() { # COMMAND ARG...
	size_kib "$opt_max_output"
	limit_blocks=$((kib / 4))
	# shellcheck disable=SC3045 # every sh of Linux has -c, and counts -f in 512 bytes
	ulimit -S -f "$limit_blocks" 2>/dev/null
	# shellcheck disable=SC3045
	ulimit -c 0
	"$@"
}

# Sets run_full, when QEMU has ended.
find_full_file() {
	size_kib "$opt_max_output"
	limit_blocks=$((kib / 4))
	full_share=$((limit_blocks * 512)) full_largest=0 full_name=''
	for full_file in bulk.bin console.log com2.log qemu.log; do
		full_size=$(stat -c %s "$out/$full_file" 2>/dev/null) || continue
		[ "$full_size" -gt "$full_largest" ] || continue
		full_largest=$full_size full_name=$full_file
	done
	[ "$full_largest" -lt "$full_share" ] && [ "$run_qemu_status" -ne "$limit_status" ] || run_full=$full_name
}

describe_full_file() {
	printf %s "the guest has filled $run_full ($(stat -c %s "$out/$run_full") bytes), all that --max-output leaves it"
	[ "$run_qemu_status" -ne "$limit_status" ] || printf %s "; QEMU was stopped"
}
