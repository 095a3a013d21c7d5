# Checks of what the user gave and of what the tree must hold, before anything starts.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   bad input costs one clear line, never a boot. In: opt_*. Out: run_qemu_path, run_kernel,
#        and what architecture.sh makes of it. Exit: 205.
# shellcheck disable=SC2015,SC2034,SC2154

check_input() {
	check_busybox
	check_kernel
	check_base
	check_qemu
	check_scheduler
	check_script --enable "$opt_enable"
	check_script --disable "$opt_disable"
	for_each_line "$opt_includes" check_include
	[ "$opt_memory" -ge 128 ] || die "-m $opt_memory: too little memory: the guest needs at least 128 MiB"
	check_topology
	check_modules_folder
	make_shares
	find_input
	make_kernel_words
	check_tests
	check_output
	check_reports
	check_history
	! is_interactive || [ -t 0 ] || die "--shell: standard input is closed"
}

# Calls FUNCTION with each line of LIST.
for_each_line() { # LIST FUNCTION
	each_rest=$1
	while [ -n "$each_rest" ]; do
		each_line=${each_rest%%"$newline"*}
		each_rest=${each_rest#*"$newline"}
		"$2" "$each_line"
	done
}

check_busybox() {
	[ -x "$bb" ] || die "$bb is not built: run make"
}

check_base() {
	base_make='make'
	[ "$run_arch" = x86_64 ] || base_make="make ARCH=$run_arch"
	[ -r "$base_archive" ] || die "$base_archive is not built: run $base_make"
}

check_qemu() {
	run_qemu_path=$(command -v -- "${KTRUN_QEMU:-$arch_qemu}") ||
		die "no program ${KTRUN_QEMU:-$arch_qemu}: is the package $arch_package installed?"
	case ${KTRUN_ACCEL:-tcg} in
	kvm | tcg) ;;
	*) die "KTRUN_ACCEL: neither kvm nor tcg: $KTRUN_ACCEL" ;;
	esac
}

check_kernel() {
	choose_kernel
	check_file kernel "$run_kernel"
	take_architecture "$run_kernel"
}

choose_kernel() {
	run_kernel=$opt_kernel
	[ -z "$run_kernel" ] || return 0
	if [ -n "${KTRUN_KERNEL:-}" ]; then
		make_absolute "$KTRUN_KERNEL"
		run_kernel=$absolute
		return
	fi
	[ -n "$default_kernel" ] || die "no kernel: give one with -k or in KTRUN_KERNEL"
	run_kernel=$default_kernel
	[ -e "$run_kernel" ] || die "no kernel $run_kernel: run make kernel, or give one with -k"
}

check_file() { # WHAT PATH
	[ -e "$2" ] || die "$1 not found: $2"
	[ -f "$2" ] || die "$1 is not a file: $2"
	[ -r "$2" ] || die "$1 is not readable: $2"
}

check_scheduler() {
	if [ -z "$opt_scheduler" ]; then
		check_without_scheduler
		return
	fi
	check_file scheduler "$opt_scheduler"
	[ -x "$opt_scheduler" ] || die "scheduler is not executable: $opt_scheduler"
	# shellcheck disable=SC2046
	set -- $(od -An -v -tx1 -N20 -- "$opt_scheduler") 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
	case $1$2$3$4/$5/${19}${20} in
	2321*) ;;
	7f454c46/02/"$arch_elf") ;;
	7f454c46/??/f700) die "scheduler is a BPF object, not a program that loads it: $opt_scheduler" ;;
	7f454c46/*) die "scheduler is for another architecture (not $arch_name): $opt_scheduler" ;;
	*) die "scheduler is neither an ELF program nor a script with #!: $opt_scheduler" ;;
	esac
}

# What speaks of a scheduler where there is none was meant for one.
check_without_scheduler() {
	[ -z "$opt_sched_args" ] || die "-a: arguments of a scheduler, and there is none: give it with -s"
	[ -z "$opt_expect_death" ] || die "--expect-death: there is no scheduler that could die: give it with -s"
}

check_script() { # OPTION PATH
	[ -z "$2" ] || check_file "$1 script" "$2"
}

check_output() {
	case $opt_output in
	'') check_parent=$runs ;;
	*) check_parent=$opt_output ;;
	esac
	while [ ! -e "$check_parent" ]; do
		check_parent=${check_parent%/*}
		[ -n "$check_parent" ] || check_parent=/
	done
	[ -d "$check_parent" ] && [ -w "$check_parent" ] ||
		die "output is not writable: ${opt_output:-$runs} ($check_parent is in the way)"
}
