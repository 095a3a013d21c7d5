#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun's options: what each makes of the QEMU command and of the guest's files, -n, and --help.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"
. "$KT_TEST_LIB/user.sh"

# dry ARG...: ktrun -n; out has the QEMU command.
dry() {
	ktrun -n "$@"
	assert_status 0
	assertFalse "QEMU was started" "[ -e stub/args ]"
	assertFalse "artifacts were made" "[ -e art ]"
	assert_no_temporary_folder
}

# good ARG...: a run that passes; leaves stub/args, stub/initrd.
good() {
	streams $READY $ATTACHED $STARTED $OUT0 $EXIT
	ktrun "$@"
	assert_status 0
}

# added: unpacks what ktrun added to the base archive into ./added, and its table of contents.
added() {
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd >added.cpio
	mkdir added
	(cd added && cpio -idm --quiet --no-absolute-filenames <../added.cpio 2>../cpio.err)
	cpio -it --quiet <added.cpio >contents 2>cpio.err
}

# has_arg TEXT: QEMU got this argument.
has_arg() {
	grep -qxF -- "$1" stub/args
	kt_verdict $? "no argument $1 in: $(tr '\n' ' ' <stub/args)"
}

# command_line: the kernel's; the frequency is that of this machine.
command_line() {
	sed -n '/^-append$/{n;p;}' stub/args | sed 's/^tsc_early_khz=[0-9]* lpj=[0-9]* //'
}

test_words_of_ktbox_are_those_that_init_knows() {
	sed -n 's/^	\(ktbox\.[^)]*\)) .*/\1/p' "$KT_TOP/rootfs/lib/ktbox/command_line.sh" | grep -vxF 'ktbox.*' |
		sed 's/ | /\n/g; s/\*/7/g' >words
	assertTrue "words: $(cat words)" "[ $(wc -l <words) -gt 15 ]"
	dry --append "$(cat words)" --append 'xktbox.a=1 quiet' -- true
	for word in ktbox.nosuch=1 ktbox.attach_timeout=abc ktbox.attach_timeout= ktbox.dmesg=0 ktbox.stats=1 ktbox.dmesg; do
		ktrun --append "quiet $word" -- true
		assert_refused
		assert_matches "^ktrun: --append: not a word of ktbox's, .*: $word " err
	done
}

test_help_names_every_option_on_stdout() {
	run "$KTRUN" --help
	assert_status 0
	assert_empty err
	for option in -k -s -a --enable --disable -i -e --shell --escape --expect-death -m -c -t -o --append --qemu-arg \
		--gdb --dmesg -n -q -v --help; do
		assert_matches "^  $option( |\[|\$)" out
	done
}

# documented_verdicts: word and code of each line of the table that has one code.
documented_verdicts() {
	tr -d '`' <"$KT_TOP/docs/use/verdicts.md" | grep -oE '^\| [a-z-]+ \| [0-9]+ ' | tr -d '|'
}

# on_a_terminal [OPTION...]: ktrun, dry, with stdin, stdout and stderr on one.
on_a_terminal() {
	KTRUN_OPTS=-n run "$KT_PYTHON" -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$KTRUN" "$@"
	assert_status 0
}

test_on_a_terminal_with_nothing_to_run_there_is_a_shell() {
	for words in '--shell -m 256' '-m 256' ''; do
		on_a_terminal $words
		assert_matches "KTSTR_MODE=shell ktbox.ctl=1[ ']" out
	done
	for words in '-s /bin/true' '-- true' '--junit junit.xml'; do
		on_a_terminal $words
		assert_no_match KTSTR_MODE=shell out
	done
	KTRUN_OPTS=-n run "$KTRUN" </dev/null
	assert_no_match KTSTR_MODE=shell out
}

test_help_names_every_verdict_with_its_code() {
	run "$KTRUN" --help
	documented_verdicts | while read -r word code; do
		assert_matches "^  $code +$word( |\$)" out
	done
	assert_matches '^  any fail ' out
	assertEquals "verdicts with one code" 18 "$(documented_verdicts | wc -l)"
}

test_dry_run_prints_the_command_and_makes_nothing() {
	dry -- true
	assert_matches '-no-reboot' out
	assert_matches 'KTSTR_GUEST=1' out
	assert_matches 'id=bulk,path=.*/bulk.bin' out
}

test_dry_run_s_command_is_the_real_one_as_a_shell_reads_it() {
	good -m 300 --append "a='b c'" --qemu-arg '-name' --qemu-arg "it's a name" -- true
	mv stub/args real
	: >stub/initrd
	ktrun -n -m 300 --append "a='b c'" --qemu-arg '-name' --qemu-arg "it's a name" -- true
	sed 's|^[^ ]*qemu |printf "%s\\n" |' out >printing.sh
	sh printing.sh >printed
	sed -i 's|/[^=,]*/ktrun\.[A-Za-z0-9]*/|TMP/|; s/tsc_early_khz=[0-9]* lpj=[0-9]*/tsc_early_khz=N/' real printed
	assert_same_bytes real printed
}

test_memory_cpus_and_kernel() {
	good -m 777 -c 3 -- true
	has_arg 777
	has_arg '3,sockets=1,dies=1,cores=3,threads=1'
	has_arg "$KT_TOP/build/kernel/image"
	has_arg -no-reboot
	has_arg q35
}

test_the_kernel_command_line_has_what_was_asked_for_and_nothing_else() {
	good -- true
	assertEquals "console=ttyS0 panic=-1 oops=panic cryptomgr.notests no_timer_check init=/init KTSTR_GUEST=1 \
ktbox.host=ktrun ktbox.live_log=1" "$(command_line)"
	streams $READY $EXIT
	ktrun -s "$KT_TOP/build/scx_demo" --expect-death --append 'one two' --append three -- true
	command_line >line
	assert_matches 'KTSTR_GUEST=1.*ktbox.expect_death=1' line
	assert_matches ' one two three$' line
	good --dmesg -- true
	command_line >line
	assert_matches 'ktbox.dmesg=1' line
}

test_a_guest_under_tcg_is_told_its_frequency_before_the_words_of_the_user() {
	good --append tsc_early_khz=1 -- true
	sed -n '/^-append$/{n;p;}' stub/args >line
	assert_matches '^tsc_early_khz=[1-9][0-9]{5,6} lpj=[1-9][0-9]{5,7} console=.* tsc_early_khz=1$' line
	rm -r stub/args art
	KTRUN_ACCEL=kvm
	dry -- true
	KTRUN_ACCEL=tcg
	assert_no_match tsc_early_khz out
	dry --qemu-arg -icount --qemu-arg shift=1 -- true
	assert_no_match tsc_early_khz out
	{ head -c 56 /dev/zero && printf ARMd && head -c 600 /dev/zero; } >arm-image
	if [ -r "$KT_TOP/build/aarch64/initramfs.cpio" ]; then
		dry -k arm-image -- true
		assert_no_match tsc_early_khz out
	fi
}

test_words_that_are_too_long_for_the_kernel_are_refused() {
	long=$(text 1850)
	dry --append "$long" -- true
	ktrun --append "$long" --append "$(text 100)" -- true
	assert_refused
	assert_matches '^ktrun: --append: .* at most 2047' err
}

test_shell_mode_says_so_to_the_guest_and_has_a_port_for_its_terminal() {
	user_runs env TERM=vt220 "$KTRUN" -n -o "$PWD/art" --shell
	assert_sees name=ktbox-ctl
	assert_user_ends 0
	assert_matches 'KTSTR_MODE=shell' transcript
	assert_matches 'ktbox.ctl=1' transcript
	assert_matches 'ktbox.term=vt220' transcript
	dry -- true
	assert_no_match 'KTSTR_MODE=shell' out
}

test_a_shell_without_a_terminal_reads_its_commands_from_stdin() {
	echo true | good --shell
	added
	assertEquals "/bin/sh -l" "$(tr '\000' ' ' <added/.ktbox/command | sed 's/ $//')"
	command_line >line
	assert_matches 'KTSTR_MODE=shell ktbox.ctl=1' line
	assert_matches 'name=ktbox-ctl' stub/args
}

test_input_has_a_port_and_dev_null_and_a_closed_one_have_none() {
	echo text | good -- cat
	assert_matches 'name=ktbox-ctl' stub/args
	command_line >line
	assert_matches 'ktbox.ctl=1' line
	good -- cat </dev/null
	assert_no_match 'ktbox-ctl' stub/args
	command_line >line
	assert_no_match 'ktbox.ctl' line
	good -- cat <&-
	assert_no_match 'ktbox-ctl' stub/args
	echo text | good # nobody to read it
	assert_no_match 'ktbox-ctl' stub/args
}

# shellcheck disable=SC1003  # a backslash is meant
test_the_key_that_ends_the_vm_can_be_chosen() {
	for key in ']' '\' a Z _ none; do
		dry --escape "$key" -- true
		assert_status 0
	done
	for key in '' 5 ']]' '^]' é @; do
		ktrun --escape "$key" -- true
		assert_refused
		assert_matches '^ktrun: --escape: ' err
	done
}

test_gdb_waits_for_a_debugger_where_that_is_asked_for() {
	dry --gdb=wait:4321 -- true
	assert_matches '(^| )-S( |$)' out
	assert_matches '-gdb tcp:127\.0\.0\.1:4321( |$)' out
	for when in --gdb --gdb=on-panic --gdb=:4321; do
		dry "$when" -- true
		assert_matches '-gdb tcp:127\.0\.0\.1:[0-9]+( |$)' out
		assert_no_match '(^| )-S( |$)' out
	done
	dry -- true
	assert_no_match '-gdb' out
}

test_gdb_takes_the_next_free_port_and_no_used_one() {
	for when in =never =wait:0 =wait:70000 =on-panic: = =: =wait,on-panic; do
		ktrun "--gdb$when" -- true
		assert_refused
		assert_matches '^ktrun: --gdb: ' err
	done
	launcher 'import socket, subprocess
with socket.socket() as taken:
	taken.bind(("127.0.0.1", 0))
	taken.listen()
	port = taken.getsockname()[1]
	from launcher import plan
	print(plan._is_free(port))
	plan._GDB_PORTS = range(port, port + 1)
	for given in (f"=:{port}", ""):
		from launcher.options.cli import parse
		try:
			plan.with_gdb_port(parse(["-n", "--gdb" + given], "", "", ""))
		except plan.Fault as fault:
			print(str(fault).replace(str(port), "PORT"))
print(plan.with_gdb_port(parse(["-n", "--gdb"], "", "", "")).gdb.port == port)' >out 2>err
	assert_empty err
	assert_file_text "False
--gdb: port PORT is in use
--gdb: port PORT is in use
True" out
}

test_accelerator_is_the_one_asked_for() {
	dry -- true
	assert_matches 'tcg,thread=single' out
	KTRUN_ACCEL=kvm
	dry -- true
	assert_matches '-accel kvm' out
	assert_matches '-cpu host' out
	KTRUN_ACCEL=tcg
}

test_qemu_has_the_descriptors_that_ktrun_was_given_and_the_lock() {
	echo given >file
	# shellcheck disable=SC2016  # meant literally
	echo 'cat <&7 >"$stub/seven"; ls -l /proc/$$/fd >"$stub/fds"' >stub/act
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true 7<file
	assert_status 0
	assert_file_text given stub/seven
	assert_no_match 'hvc0|console.pipe|pidfd|memfd' stub/fds
	assert_matches '/art/lock$' stub/fds
}

test_verbose_shows_the_command() {
	good -v -- true
	assert_matches 'path=.*hvc0' err
	good -- true
	assert_no_match 'path=.*hvc0' err
}

test_the_command_reaches_the_guest_as_it_is() {
	# shellcheck disable=SC2016  # meant literally
	set -- printf '%s' "it's" '' 'a  b' '$x' -n -- "$(printf 'b\377\nc')"
	good -- "$@"
	added
	printf '%s\000' "$@" >expected
	assert_same_bytes expected added/.ktbox/command
}

test_a_command_of_many_words_takes_no_more_than_linux_allows() {
	# shellcheck disable=SC2046
	good -- echo $(seq 30000)
	added
	assertEquals 30001 "$(tr -cd '\000' <added/.ktbox/command | wc -c)"
	good -- echo "$(text 131071)"
}

test_a_command_beyond_what_linux_allows_is_refused() {
	launcher 'import os
top, limit = sys.argv[1], 131072
os.environ.update(KTRUN_ACCEL="tcg")
from launcher.plan import _check_arguments
from launcher.options.cli import parse
from launcher.lib.text import Fault
for words in (["--", "echo", "x" * limit], ["-e", "A=" + "y" * (limit - 2)], ["--", "echo", *["z" * 99999] * 21]):
    try:
        _check_arguments(parse(words, "", "", ""))
        print("taken")
    except Fault as fault:
        print(str(fault)[:130])' "$KT_TOP" >refusals
	assertEquals "lines: $(cat refusals)" 3 "$(grep -c 'Linux takes at most' refusals)"
	assert_matches '^the command: an argument of 131072 bytes' refusals
	assert_matches '^-e: A of 131072 bytes' refusals
}

test_without_a_command_there_is_none() {
	good -s "$KT_TOP/build/scx_demo"
	added
	assertFalse "a command is there" "[ -e added/.ktbox/command ]"
	assert_same_bytes "$KT_TOP/build/scx_demo" "added$(readlink added/scheduler)"
	assertTrue "scheduler is executable" "[ -x added$(readlink added/scheduler) ]"
}

test_the_archive_begins_and_ends_with_its_marks() {
	good -s "$KT_TOP/build/scx_demo" -- true
	added
	assertEquals ".ktbox/run.begin" "$(grep -v '^\.$\|^\.ktbox$' contents | head -n 1 | sed 's|^/||')"
	grep -aobF TRAILER!!! added.cpio | tail -n 1 >last
	assert_matches TRAILER last
	assertEquals "last name" run.complete \
		"$(grep -aoE 'run\.complete|\.ktbox/command|scheduler|run\.begin' added.cpio | tail -n 1)"
}

test_the_base_archive_is_in_front_unchanged() {
	good -- true
	head -c "$(wc -c <"$KT_TOP/build/initramfs.cpio")" stub/initrd >base
	assert_same_bytes "$KT_TOP/build/initramfs.cpio" base
}

test_environment_is_a_file_of_variables_as_they_are() {
	value="it's \"two\" \$x \`id\` \\
second line"
	set -- "ONE=$value" TWO= ONE_MORE=x=y PATH=/nowhere kt_command=/bin/true "$(printf 'BYTES=\377\001')"
	good -e "$1" -e "$2" -e "$3" -e "$4" -e "$5" -e "$6" -- true
	added
	printf '%s\000' "$@" >expected
	assert_same_bytes expected added/.ktbox/env
}

test_scheduler_arguments_and_scripts_are_files() {
	echo 'echo 1 > /proc/x' >on
	echo 'echo 0 > /proc/x' >off
	good -s "$KT_TOP/build/scx_demo" -a '--a  b' --enable on --disable off -- true
	added
	assertEquals '--a  b' "$(cat added/sched_args)"
	assert_same_bytes on added/sched_enable
	assert_same_bytes off added/sched_disable
}

test_includes_keep_their_names_and_bytes() {
	mkdir -p folder/sub
	echo one >'a file'
	echo two >folder/sub/two
	good -i 'a file' -i folder -- true
	added
	assert_file_text one 'added/include-files/a file'
	assert_file_text two added/include-files/folder/sub/two
}

test_libraries_of_a_dynamic_include_come_along() {
	cp "$(command -v env)" dynamic-env
	good -i dynamic-env -- true
	added
	assertEquals "ELF interpreter" 1 "$(grep -cE '/?ld-linux[^/]*$' contents)"
	assert_matches '/?libc\.so\.6$' contents
	rm -rf added
	good -i "$KT_TOP/build/scx_demo" -- true
	added
	assert_no_match 'ld-linux' contents
}

test_an_include_by_its_bare_name_is_the_file_here_or_else_the_command() {
	mkdir bin
	printf '#!/bin/sh\necho from PATH\n' >bin/kt-a-tool
	printf '#!/bin/sh\necho another\n' >bin/kt-b-tool
	ln -s kt-b-tool bin/kt-c-tool
	chmod +x bin/kt-a-tool bin/kt-b-tool
	echo 'from here' >kt-b-tool
	path=$PATH
	PATH=$PWD/no-such-folder:$PWD/bin:$PATH
	good -i kt-a-tool -i kt-b-tool -i kt-c-tool -i test -- true
	PATH=$path
	added
	assert_same_bytes bin/kt-a-tool added/include-files/kt-a-tool
	assert_same_bytes kt-b-tool added/include-files/kt-b-tool
	assert_same_bytes bin/kt-b-tool added/include-files/kt-c-tool
	assertTrue "test is a builtin, and a program" "[ -x added$(readlink added/include-files/test) ]"
}

test_a_default_output_folder_is_new_and_under_build_runs() {
	streams $READY $STARTED $OUT7 $EXIT
	run "$KTRUN" -- true
	assert_status 7
	folder=$(sed -n 's/^  artifacts  //p' err)
	assert_matches '"verdict": "fail"' "$folder/result.json"
	case $folder in
	"$KT_TOP"/build/runs/?*) rm -rf "$folder" ;;
	*) fail "artifacts are in $folder" ;;
	esac
}

test_ktrun_works_from_any_folder_with_relative_paths() {
	mkdir elsewhere
	cd elsewhere || return 1
	mkdir stub
	echo data >data
	streams $READY $STARTED $OUT0 $EXIT
	STUB=$PWD/stub
	run "$KTRUN" -o relative/art -i data -- true
	assert_status 0
	assert_matches '"verdict": "pass"' relative/art/result.json
}

. shunit2
