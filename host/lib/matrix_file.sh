# The file of --matrix: what is to be crossed with what.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a matrix is written once and run often; what is wrong in it is told by its line, before anything
#        starts.
# In:    opt_matrix, lines "KEY = VALUE" (docs/matrix.md); paths are those of its folder. Out: matrix_kernels,
#        _topologies, _schedulers, _payloads (a line each), matrix_repeat, _memory, _limit, _options. Exit:
#        205.
# shellcheck disable=SC2015,SC2034,SC2154

read_matrix_file() {
	check_file --matrix "$opt_matrix"
	take_x86_64 elf # until a kernel says otherwise
	matrix_arch=''
	matrix_kernels='' matrix_topologies='' matrix_schedulers='' matrix_payloads='' matrix_options=''
	matrix_repeat=1 matrix_memory=512 matrix_limit=120 matrix_line=0 matrix_names=' '
	matrix_folder=${opt_matrix%/*}
	while IFS= read -r matrix_text || [ -n "$matrix_text" ]; do
		matrix_line=$((matrix_line + 1))
		die_context="$opt_matrix, line $matrix_line: "
		read_matrix_line
	done <"$opt_matrix"
	die_context=''
	[ -n "$matrix_payloads$matrix_schedulers" ] || die "$opt_matrix: neither a scheduler nor a payload"
	[ -n "$matrix_kernels" ] || use_default_kernel
	[ -n "$matrix_topologies" ] || matrix_topologies=1,1,2,1$newline
	[ -n "$matrix_schedulers" ] || matrix_schedulers=none$newline
	[ -n "$matrix_payloads" ] || matrix_payloads=none$newline
}

use_default_kernel() {
	check_kernel
	keep_architecture
	matrix_kernels=$run_kernel$newline
}

read_matrix_line() {
	trim "$matrix_text"
	case $trimmed in
	'' | '#'*) return ;;
	*=*) ;;
	*) die "not KEY = VALUE: $trimmed" ;;
	esac
	matrix_value=${trimmed#*=}
	trim "${trimmed%%=*}"
	matrix_key=$trimmed
	trim "$matrix_value"
	[ -n "$trimmed" ] || die "$matrix_key has no value"
	take_matrix_value "$matrix_key" "$trimmed"
}

# Sets $trimmed: TEXT without blanks and tabs around it.
trim() { # TEXT
	trimmed=${1#"${1%%[!	 ]*}"}
	trimmed=${trimmed%"${trimmed##*[!	 ]}"}
}

take_matrix_value() { # KEY VALUE
	case $1 in
	kernel) in_matrix_folder "$2"; opt_kernel=$absolute; check_kernel; keep_architecture
		matrix_kernels=$matrix_kernels$absolute$newline ;;
	topology) take_topology topology "$2"; matrix_topologies=$matrix_topologies$2$newline ;;
	scheduler) take_matrix_scheduler "$2" ;;
	payload) take_matrix_name "$2" payload
		[ "$matrix_rest" != "$2" ] || die "payload: a name and a command are wanted: $2"
		matrix_payloads=$matrix_payloads$2$newline ;;
	repeat) take_number repeat "$2" 1 100000; matrix_repeat=$2 ;;
	memory) take_number memory "$2" 128 1048576; matrix_memory=$2 ;;
	limit) take_number limit "$2" 1 99999999; matrix_limit=$2 ;;
	options) matrix_options="$matrix_options $2" ;;
	*) die "unknown key: $1 (kernel, topology, scheduler, payload, repeat, memory, limit, options)" ;;
	esac
}

# The accelerator is chosen, and the schedulers are looked at, for one architecture.
keep_architecture() {
	[ "${matrix_arch:-$run_arch}" = "$run_arch" ] ||
		die "kernel for $run_arch behind lines for $matrix_arch: a matrix has one architecture, and kernels come first"
	matrix_arch=$run_arch
}

in_matrix_folder() { # PATH
	case $1 in
	/*) absolute=$1 ;;
	*) absolute=$matrix_folder/$1 ;;
	esac
}

# NAME PATH ARGS..., or the word none.
take_matrix_scheduler() { # VALUE
	take_matrix_name "$1" scheduler
	if [ "$1" = none ]; then
		matrix_schedulers=${matrix_schedulers}none$newline
		return
	fi
	[ "$matrix_rest" != "$1" ] || die "scheduler: a name and a path are wanted: $1"
	in_matrix_folder "${matrix_rest%%[	 ]*}"
	opt_scheduler=$absolute
	check_scheduler
	keep_architecture
	opt_scheduler=''
	trim "${matrix_rest#"${matrix_rest%%[	 ]*}"}"
	matrix_schedulers="$matrix_schedulers$matrix_name $absolute	$trimmed$newline"
}

# Sets $matrix_name and $matrix_rest.
take_matrix_name() { # VALUE KIND
	matrix_name=${1%%[	 ]*}
	trim "${1#"$matrix_name"}"
	matrix_rest=${trimmed:-$1}
	case $matrix_name in
	*[!A-Za-z0-9._+-]*) die "$2: not a plain name (letters, digits, . _ + -): $matrix_name" ;;
	esac
	case $matrix_names in
	*" $2/$matrix_name "*) die "$2: the name is there twice: $matrix_name" ;;
	esac
	matrix_names="$matrix_names$2/$matrix_name "
}
