# The initramfs of one run: the base archive with an archive of this run's files behind it.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   the kernel unpacks concatenated archives in turn, so a run costs a copy, not a rebuild.
# In:    opt_*, $base_archive. Out: $work/initramfs.cpio. Exit: 205.
#
# The run's first entry is .ktbox/run.begin and its last .ktbox/run.complete, by which /init knows that
# nothing is missing. Everything is staged as symbolic links that cpio follows: a large include is read
# once. cpio puts off a file with hard links to the end of its archive, so the last entry is an archive of
# its own.
# shellcheck disable=SC2015,SC2034,SC2154

pack_initramfs() {
	stage=$work/stage
	pack_umask=$(umask)
	umask 022
	mkdir -p "$stage/.ktbox"
	stage_run_files
	for_each_line "$opt_includes" stage_include
	for_each_line "$opt_tests" stage_test
	stage_libraries
	stage_modules
	stage_shares
	stage_history
	write_archives
	umask "$pack_umask"
	check_memory
}

stage_run_files() {
	: >"$stage/.ktbox/run.begin"
	: >"$stage/.ktbox/run.complete"
	[ -z "$opt_env" ] || printf %s "$opt_env" >"$stage/.ktbox/env"
	[ -z "$opt_gets" ] || printf %s "$opt_gets" >"$stage/.ktbox/get"
	[ -z "$opt_command" ] || printf '%s\n' "$opt_command" >"$stage/exec_cmd"
	[ -z "$opt_sched_args" ] || printf '%s\n' "$opt_sched_args" >"$stage/sched_args"
	[ -z "$opt_scheduler" ] || stage_link "$opt_scheduler" /scheduler
	[ -z "$opt_enable" ] || stage_link "$opt_enable" /sched_enable
	[ -z "$opt_disable" ] || stage_link "$opt_disable" /sched_disable
}

stage_link() { # HOST_PATH GUEST_PATH
	mkdir -p "$stage${2%/*}" && ln -s "$1" "$stage$2" || die "unable to stage $1"
}

stage_include() { # PATH
	include_name=$1
	while [ "${include_name%/}" != "$include_name" ]; do include_name=${include_name%/}; done
	case ${include_name##*/} in
	'' | . | ..) include_name=$(CDPATH='' cd -P -- "$1" && pwd -P) ;;
	esac
	include_name=${include_name##*/}
	[ ! -e "$stage/include-files/$include_name" ] || die "two includes with the name $include_name"
	stage_link "$1" "/include-files/$include_name"
}

write_archives() {
	pack_archives >"$work/initramfs.cpio" 2>"$work/pack.err" ||
		die "unable to pack the initramfs: $(head -n 1 "$work/pack.err")"
}

pack_archives() {
	cat "$base_archive" &&
		list_stage | archive &&
		printf '.ktbox/run.complete\0' | archive
}

list_stage() {
	printf '.ktbox/run.begin\0'
	(cd "$stage" && find -L . -mindepth 1 ! -path './.ktbox/run.*' -print0)
}

archive() {
	(cd "$stage" && cpio -0 -o -L -R 0:0 -H newc --quiet)
}

# At boot the archive and the files unpacked from it are in memory at the same time.
check_memory() {
	memory_size=$(stat -c %s "$work/initramfs.cpio") || die "unable to read the size of the initramfs"
	memory_size=$((memory_size / 1048576 + 1))
	memory_need=$((2 * memory_size + 96))
	[ "$opt_memory" -ge "$memory_need" ] ||
		die "-m $opt_memory: too little memory: an initramfs of $memory_size MiB needs at least $memory_need MiB"
}
