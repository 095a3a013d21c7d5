# The command line of ktrun.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   every option in one table. In: KTRUN_OPTS, then the arguments. Out: opt_* variables. Exit: 205 for
#        a bad option, 0 for --help and --version.
#
# Values that may come several times are kept ready for their place: opt_env is the text of the guest's
# environment file, opt_command the one string for the guest's shell; opt_includes and opt_qemu_args are lists
# with a newline between two, so these two refuse a newline inside a value.
# shellcheck disable=SC2015,SC2034,SC2154

newline='
'

set_defaults() {
	opt_kernel='' opt_scheduler='' opt_sched_args='' opt_enable='' opt_disable='' opt_includes=''
	opt_env='' opt_command='' opt_output='' opt_append='' opt_qemu_args=''
	opt_memory=512 opt_cpus=2 opt_limit='' opt_replay='' opt_printk='' opt_plain='' opt_fail_on_warn=''
	opt_json='' opt_junit='' opt_tap='' opt_report=''
	opt_max_output=1G
	opt_topology='' opt_gets='' opt_modules='' opt_shares=''
	opt_tests='' opt_matrix=''
	opt_shell='' opt_escape=']' opt_history=''
	opt_expect_death='' opt_gdb='' opt_dmesg='' opt_dry_run='' opt_quiet='' opt_verbose=''
}

parse_options() {
	set_defaults
	parse_environment
	parse_other='' parse_of_cell=''
	parse_words "$@"
	[ -z "$opt_replay" ] || [ -z "$parse_other" ] ||
		die "--replay judges a run as it was, no option but -q and reports goes with it: $parse_other"
	[ -z "$opt_matrix" ] || [ -z "$parse_of_cell" ] ||
		die "--matrix: what is asked of a cell stands in the file, only -o, -q, --junit and --report go with it: $parse_of_cell"
	use_terminal_or_not
	default_limit
}

# A habit, not a command: what is given there does not keep --replay from working.
parse_environment() {
	[ -z "${NO_COLOR:-}" ] || take_variable NO_COLOR=1
	die_context='KTRUN_OPTS: '
	words=${KTRUN_OPTS:-}
	set --
	while next_word; do set -- "$@" "$word"; done
	parse_words "$@"
	[ -z "$opt_replay" ] || die "--replay belongs on the command line"
	die_context=''
}

parse_words() {
	while [ $# -gt 0 ]; do
		case $1 in
		-q | -h | --help | --replay | --replay=* | --json | --json=* | --junit | --junit=* | --tap | --tap=* | \
			--report | --report=*) ;;
		*) parse_other=$1 ;;
		esac
		case $1 in
		-q | -h | --help | --version | --matrix | --matrix=* | -o | --junit | --junit=* | --report | --report=*) ;;
		*) parse_of_cell=$1 ;;
		esac
		case $1 in
		--) take_command "$@"; break ;;
		--test) shift; take_tests "$@"; shift "$take_taken"; continue ;;
		--?*=*) parse_glued=$1; shift; set -- "${parse_glued%%=*}" "${parse_glued#*=}" "$@"; continue ;;
		-k | -s | -a | -i | -e | -m | -c | -t | -o | --enable | --disable | --append | --qemu-arg | --replay | --matrix | \
			--json | --junit | --tap | --report | \
			--max-output | \
			--topology | --escape | --history | --get | --ro | --rw | --modules)
			[ $# -gt 1 ] || die "$1 needs a value (see ktrun --help)"
			take_value "$1" "$2"
			shift ;;
		-*) take_flag "$1" ;;
		*) die "unexpected word: $1 (the guest's command goes after --)" ;;
		esac
		shift
	done
}

take_value() { # OPTION VALUE
	case $1 in
	-k) take_path "$@"; opt_kernel=$absolute ;;
	-s) take_path "$@"; opt_scheduler=$absolute ;;
	-a) opt_sched_args=$2 ;;
	--enable) take_path "$@"; opt_enable=$absolute ;;
	--disable) take_path "$@"; opt_disable=$absolute ;;
	-i) take_include "$@" ;;
	-e) take_variable "$2" ;;
	-m) take_number "$1" "$2" 1 1048576; opt_memory=$2 ;;
	-c) take_cpus "$@" ;;
	--get) take_get "$@" ;;
	--ro | --rw) take_share "$@" ;;
	--modules) take_path "$@"; opt_modules=$absolute ;;
	--topology) take_topology "$@" ;;
	-t) take_number "$1" "$2" 1 99999999; opt_limit=$2 ;;
	--max-output) take_size "$@"; opt_max_output=$2 ;;
	-o) take_path "$@"; opt_output=$absolute ;;
	--append) opt_append="$opt_append $2" ;;
	--replay) take_path "$@"; opt_replay=$absolute ;;
	--matrix) take_path "$@"; opt_matrix=$absolute ;;
	--json) take_report "$@"; opt_json=$absolute ;;
	--junit) take_report "$@"; opt_junit=$absolute ;;
	--tap) take_report "$@"; opt_tap=$absolute ;;
	--report) take_report "$@"; opt_report=$absolute ;;
	--escape) take_escape "$2" ;;
	--history) take_path "$@"; opt_history=$absolute ;;
	--qemu-arg) refuse_newline "$@"; opt_qemu_args=$opt_qemu_args$2$newline ;;
	esac
}

take_flag() { # OPTION
	case $1 in
	--shell) opt_shell=yes ;;
	--expect-death) opt_expect_death=yes ;;
	--gdb) opt_gdb=yes ;;
	--dmesg) opt_dmesg=yes ;;
	--printk) opt_printk=yes ;;
	--plain) opt_plain=yes ;;
	--fail-on-warn) opt_fail_on_warn=yes ;;
	-n) opt_dry_run=yes ;;
	-q) opt_quiet=yes ;;
	-v) opt_verbose=yes ;;
	-h | --help) usage; exit 0 ;;
	--version) print_version; exit 0 ;;
	*) die "unknown option: $1 (see ktrun --help)" ;;
	esac
}

take_path() { # OPTION VALUE
	[ -n "$2" ] || die "$1: an empty path"
	make_absolute "$2"
}

take_report() { # OPTION VALUE: a path, or - for stdout
	if [ "$2" = - ]; then absolute=-; else take_path "$@"; fi
}

refuse_newline() { # OPTION VALUE
	case $2 in
	*"$newline"*) die "$1: a newline in the value: $2" ;;
	esac
}

take_variable() { # NAME=VALUE
	case $1 in
	*=*) ;;
	*) die "-e: not NAME=VALUE: $1" ;;
	esac
	case ${1%%=*} in
	'' | [0-9]* | *[!A-Za-z0-9_]*) die "-e: not a variable's name: ${1%%=*}" ;;
	esac
	shell_quote "${1#*=}"
	opt_env="${opt_env}export ${1%%=*}=$quoted$newline"
}

# The key that Ctrl and this character make.
# shellcheck disable=SC1003
take_escape() { # CHAR
	case $1 in
	none) opt_escape='' ;;
	[A-Za-z] | '[' | '\' | ']' | '^' | _) opt_escape=$1 ;;
	*) die "--escape: neither none nor a character that makes a key with Ctrl: $1" ;;
	esac
}

take_number() { # OPTION VALUE LEAST MOST
	case $2 in
	'' | 0* | *[!0-9]* | ?????????*) die "$1: not a number from $3 to $4: $2" ;;
	esac
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || die "$1: not a number from $3 to $4: $2"
}

# Each argument in single quotes: the guest's `sh -c` gets exactly these bytes as exactly these words.
take_command() { # -- COMMAND...
	[ -z "$die_context" ] || die "the guest's command belongs on the command line"
	shift
	[ $# -gt 0 ] || die "no command after --"
	for take_word in "$@"; do
		shell_quote "$take_word"
		opt_command="$opt_command${opt_command:+ }$quoted"
	done
}

# Without a terminal there is nobody to edit a line for: the shell reads its commands from stdin, to its end.
use_terminal_or_not() {
	! is_interactive || [ -t 0 ] || [ -z "$(stdin_is)" ] || opt_command='sh -l'
}

# Nobody sits at a run without a terminal, so it has a limit; a shell and a debugger are left alone.
default_limit() {
	[ -z "$opt_limit" ] || return 0
	is_interactive || [ -n "$opt_gdb" ] || opt_limit=120
}

is_interactive() {
	[ -n "$opt_shell" ] && [ -z "$opt_command" ]
}

usage() {
	cat <<'END'
usage: ktrun [options] [-- COMMAND...]
       ktrun [-q] [reports] --replay DIR
       ktrun [-q] [-o DIR] [--junit FILE] [--report FILE] --matrix FILE

Boots a kernel in a throw-away VM, attaches a sched_ext scheduler, runs COMMAND, and tells what happened.
Stdin goes to COMMAND: in a `while read` loop, ktrun takes the loop's lines unless it has </dev/null.

guest
  -k KERNEL         bzImage or ELF vmlinux (default: $KTRUN_KERNEL, else build/kernel/image of the source
                    tree, made by `make kernel`)
  -s SCHEDULER      program or script; its shared libraries come along
  -a "ARGS"         arguments of the scheduler, split at white space
  --enable FILE     ktsh-lite script to run before the scheduler
  --disable FILE    ktsh-lite script to run after it
  -i PATH           file, folder, or command by its bare name, for /include-files/ (on the guest's PATH),
                    with its shared libraries; repeatable
  --ro DIR[:GUEST]  a folder of the host in the guest, at GUEST or at its own path, by virtio-9p; repeatable
  --rw DIR[:GUEST]  the same, and the guest may write there
  --modules DIR     the kernel's modules (default: beside it, else /lib/modules/VERSION): what ktbox needs and
                    is not built in is packed and loaded
  -e NAME=VALUE     environment of scheduler and payload; repeatable
  --test FILE...    shunit2 scripts instead of COMMAND; each test is told of, and fails the run when it fails
  --shell           an interactive shell in the guest, on this terminal; without a terminal its commands are
                    read from stdin; with COMMAND, that command instead of a shell
  --history FILE    what is typed at the shell is kept in FILE, for the next one; made if it is not there
  --escape CHAR     Ctrl-CHAR ends the VM from the shell (default ]); none: no key does
  --expect-death    the scheduler must die during the run: it is wrong if it survives
  --fail-on-warn    a WARN, lockdep, lockup, hung-task, KASAN, BUG or like report of the kernel is wrong
machine
  -m MIB            memory (default 512, at least 128)
  -c CPUS           number of CPUs (default 2): one node, one last-level cache
  --topology N,L,C,T  NUMA nodes, last-level caches a node, cores a cache, threads a core; the memory is
                    split over the nodes, a remainder goes to the first
  --append WORDS    more words for the kernel's command line; repeatable
  --qemu-arg ARG    one more argument for QEMU; repeatable
  --gdb             wait for a debugger on port 1234 before the first instruction
run
  -t SECS           wall-clock limit (default 120; none for a shell on a terminal or --gdb)
  -o DIR            where the artifacts go (default: a new folder under build/runs/ of the source tree;
                    of an installed ktrun, under ~/.local/state/ktbox/runs/)
  --max-output SIZE what the artifacts may take on the disk, all together (default 1G): a guest that
                    sends or prints more is wrong. Each stream has an eighth, see docs/verdicts.md
  --get GUEST_PATH  bring a file or folder of the guest back, at its end, into DIR/get/; repeatable
  --dmesg           keep the kernel's log as the artifact `dmesg`
  --printk          show the global trace (bpf_printk) live on stderr, marked, and keep it as `printk`
  --plain           dump files without the trace's prefix
  --replay DIR      no VM: judge the finished run in DIR, its folder of artifacts, once more, from its
                    bulk.bin, console.log and host.txt; summary, output and exit code are those of the
                    run. The other files are made anew in DIR itself: give a copy to keep the old ones
  --json FILE       the content of result.json
  --junit FILE      JUnit XML: the run is a test case
  --tap FILE        the same as TAP 13
  --report FILE     one HTML page: verdict, timeline, dump and logs with the lines that matter marked
                    FILE of these may be -, stdout; then the payload's stdout is not printed, only kept
  --matrix FILE     kernels x topologies x schedulers x payloads, a VM each, as many at once as fit; see
                    docs/matrix.md. With the same -o DIR it goes on where it was stopped
  -n                print the QEMU command and stop: nothing is started, nothing is kept
  -q                no summary if the run passed
  -v                show the QEMU command and, live, the console on stderr
  --help            this text
  --version         the version of ktbox

environment
  KTRUN_KERNEL      the kernel, without -k
  KTRUN_OPTS        options to begin with, as if written in front: words, parted as a shell parts them, quotes
                    and backslashes included; nothing is expanded or run
  NO_COLOR          not empty: passed on to the guest's programs; ktrun itself prints no colours
  KTRUN_QEMU        the QEMU program (default qemu-system-x86_64)
  KTRUN_ACCEL       kvm or tcg; without it KVM is tried once and the outcome remembered (in build/,
                    or ~/.cache/ktbox/)

exit codes (the first that holds, see docs/verdicts.md)
  205 error            ktrun itself: bad input, QEMU does not start
  130 interrupted      Ctrl-C, Ctrl-\, TERM or HUP; the key of --escape
  204 timeout          the limit of -t was reached
  211 output-limit     the guest wrote more than --max-output leaves it
  206 boot-failed      the guest never said that it is ready
  203 lost             no exit frame: kernel panic, out of memory, init died, silent reset, QEMU died
  207 corrupt          the guest's stream is damaged, or a part of it is missing
  209 init-failed      the guest's /init could not do its part
  200 sched-failed     the scheduler ended before it was attached (rejected by the verifier, for example)
  201 sched-not-attached  the scheduler runs but did not attach in time
  202 sched-died       the scheduler died during the run
  208 sched-survived   --expect-death, and it did not die
  210 kernel-warned    --fail-on-warn, and the kernel reported something
  any fail             the payload's own code
  0   pass
END
}
