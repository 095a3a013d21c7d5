# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh: runs /init on this host, under a directory that stands for / and with stubs for all that it starts:
#	. "$KT_TEST_LIB/boot.sh"
#	test_CLAIM() { when ktexec 'exit 7'; boot; assert_exit 7; }
# setUp lays out ./root; the test changes it; boot copies it for each shell that /init must work in, and runs
# them at once; the asserts look at what each has left: journal.SHELL, console.SHELL, and the directory SHELL.
# KT_BOOT_SHELLS names the shells (dash and ash).
#
# By default there is a scheduler, which attaches, and a payload, which ends with 0. Only ktlatch is real.

. "$KT_TEST_LIB/test.sh"

BOOT_SHELLS=${KT_BOOT_SHELLS:-dash ash}
BOOT_STUBS='mount chrt reboot stty dmesg kthvc ktpipe ktexitmon ktexec ktsend ktdump ktget insmod ktport ktlogin ktrelay'
BOOT_STUBS="$BOOT_STUBS ktsh-lite ktstdin ktterm ktcheck ifconfig ktresume cpio ktwatch ktbpf"
# All that /init and the stubs may find besides: nothing that could harm the host.
BOOT_TOOLS='cat cp cut find grep ln mkdir mkfifo nproc rm sed tr'

setUp() {
	boot_ceiling 40 # over the longest of /init's own bounds
	new_root
}

boot_ceiling() { # SECONDS for /init as a whole
	BOOT_CEILING=$1
}

# new_root: lays out ./root afresh, and removes what an earlier boot left.
new_root() {
	[ -d "$SHUNIT_TMPDIR/root" ] || lay_out_root "$SHUNIT_TMPDIR/root"
	# shellcheck disable=SC2086  # a list of words
	rm -rf root $BOOT_SHELLS
	cp -a "$SHUNIT_TMPDIR/root" root
}

lay_out_root() { # FOLDER
	mkdir -p "$1/proc/self" "$1/sys/kernel/sched_ext" "$1/.ktbox" "$1/lib"
	(cd "$1" && mkdir bin dev etc run tmp var behave stubs tools)
	cp "$KT_TOP/rootfs/init" "$1/init"
	cp -r "$KT_TOP/rootfs/lib/ktbox" "$1/lib/ktbox"
	cp "$KT_TOP/rootfs/etc/fstab" "$1/etc/fstab"
	ln -s ../run "$1/var/run"
	: >"$1/.ktbox/base.complete"
	: >"$1/sched_enable"
	: >"$1/sched_disable"
	lay_out_kernel "$1"
	lay_out_commands "$1"
	lay_out_program "$1/scheduler"
	lay_out_program "$1/payload"
}

lay_out_kernel() { # FOLDER
	for point in /proc /sys /dev /tmp /run /dev/shm /dev/pts /sys/kernel/debug /sys/kernel/tracing /sys/fs/bpf \
		/sys/fs/cgroup; do
		echo "none $point none rw 0 0"
	done >"$1/proc/mounts"
	echo 'console=ttyS0 quiet ktbox.host=ktrun' >"$1/proc/cmdline"
	echo '10.09 20.00' >"$1/proc/uptime"
	echo 'Linux version 6.12.0-test (someone) #1 SMP' >"$1/proc/version"
	printf 'MemTotal:        2048000 kB\nMemFree:         1024000 kB\n' >"$1/proc/meminfo"
	: >"$1/proc/self/oom_score_adj"
	echo disabled >"$1/sys/kernel/sched_ext/state"
}

lay_out_commands() { # FOLDER
	for stub in $BOOT_STUBS; do
		ln -s "$KT_TEST_LIB/boot-stub.sh" "$1/stubs/$stub"
	done
	ln -s "$KT_TEST_LIB/boot-stub.sh" "$1/bin/reboot"
	for tool in $BOOT_TOOLS; do
		ln -s "$(command -v "$tool")" "$1/tools/$tool"
	done
	ln -s "$KT_BUSYBOX" "$1/tools/ktlatch"
}

lay_out_program() { # FILE
	: >"$1"
	chmod +x "$1"
}

# when COMMAND TEXT: sets what the stub does instead of its ordinary behaviour (lib/boot-stub.sh has words for it).
when() {
	printf '%s\n' "$2" >"root/behave/$1"
}

# cmdline WORD...: sets the kernel command line.
cmdline() {
	echo "console=ttyS0 ktbox.host=ktrun $*" >root/proc/cmdline
}

# bounds NAME=SECONDS...: shorter bounds for /init's waits; its files are read in the order of their names.
bounds() {
	printf '%s\n' "$@" >root/lib/ktbox/zz_bounds.sh
}

# note_latch_calls [TEXT]: records /init's calls of ktlatch in the root's latch_calls, and runs TEXT before each.
note_latch_calls() {
	ln -s "$KT_TEST_LIB/boot-stub.sh" root/stubs/ktlatch
	# shellcheck disable=SC2016
	when ktlatch 'echo "$*" >>"$KTBOX_ROOT/latch_calls"
		'"${1:-}"'
		exec "$KTBOX_ROOT/tools/ktlatch" "$@"'
}

# shorten_wait LATCH: ends /init's waits for it after a second, whatever their bound is.
shorten_wait() {
	note_latch_calls 'case "$* " in
		"wait -a -t "*" '"$1"' "*) shift 4; set -- wait -a -t 1 "$@" ;;
		esac'
}

# boot_is_safe ROOT: checks that /init can start nothing of this host by name, and that its root is a directory of
# this test. Else it would mount over the host and reboot it.
boot_is_safe() {
	case ${1:-/} in
	"$SHUNIT_TMPDIR"/*) ;;
	*) echo "boot: refused: the root '$1' is not in the test's own folder" && return 1 ;;
	esac
	for stub in $BOOT_STUBS; do
		echo "$1/stubs/$stub"
	done >"$1/stubs.expected"
	# shellcheck disable=SC2016,SC2086
	PATH="$1/stubs:$1/tools" /bin/sh -c 'for name; do command -v "$name"; done' sh $BOOT_STUBS >"$1/stubs.found"
	cmp -s "$1/stubs.expected" "$1/stubs.found" && [ -x "$1/bin/reboot" ] && return
	echo "boot: refused: a stub is missing in $1" && return 1
}

# boot_under SHELL: runs /init; leaves status.SHELL, console.SHELL, journal.SHELL. The machine is off when /init
# ends, and the pipe ends when all that it started has ended.
boot_under() {
	boot_is_safe "$PWD/$1" || return
	{
		# shellcheck disable=SC2016
		timeout -k 2 "$BOOT_CEILING" env -u KT_RUN_DIR -u KT_PORT_FD \
			KTBOX_ROOT="$PWD/$1" PATH="$PWD/$1/stubs:$PWD/$1/tools" \
			sh -c 'echo $$ >"$KTBOX_ROOT/init.pid"; cd "$KTBOX_ROOT" && exec sh init' 2>&1
		echo $? >"status.$1"
		KT_RUN_DIR=$PWD/$1/run/kt kt ktlatch set vm_off
	} | timeout "$((BOOT_CEILING + 5))" cat >"console.$1"
	sed "s|$PWD/$1||g" "$1/journal" >"journal.$1"
}

# shell_binary SHELL: what sh is for /init.
shell_binary() {
	case $1 in
	ash) echo "$KT_BUSYBOX" ;;
	*) command -v "$1" ;;
	esac
}

boot() {
	boot_pids=
	for shell in $BOOT_SHELLS; do
		cp -a root "$shell"
		ln -s "$(shell_binary "$shell")" "$shell/tools/sh"
		boot_under "$shell" &
		boot_pids="$boot_pids $!"
	done
	rm -rf root
	# shellcheck disable=SC2086  # a list of words
	wait $boot_pids
	for shell in $BOOT_SHELLS; do
		assertTrue "/init under $shell reached the ceiling: $(tail -n 5 "console.$shell")" \
			"[ $(cat "status.$shell") -lt 124 ]"
		assertEquals "last thing under $shell; console: $(tail -n 5 "console.$shell")" \
			'reboot -f' "$(tail -n 1 "journal.$shell")"
	done
}

# assert_did LINE...: the journal has each of them as a whole line.
assert_did() {
	for line; do
		for shell in $BOOT_SHELLS; do
			if grep -qxF -e "$line" "journal.$shell"; then
				_shunit_assertPass
			else
				fail "under $shell this was not done: $line; but: $(cat "journal.$shell")"
			fi
		done
	done
}

# assert_did_not ERE
assert_did_not() {
	for shell in $BOOT_SHELLS; do
		assert_no_match "$1" "journal.$shell"
	done
}

# assert_times COUNT ERE: this number of lines of the journal match.
assert_times() {
	for shell in $BOOT_SHELLS; do
		assertEquals "lines under $shell that match $2 in $(cat "journal.$shell")" \
			"$1" "$(grep -cE -e "$2" "journal.$shell")"
	done
}

# assert_order START...: the journal has lines that begin with each START, in this order.
assert_order() {
	printf '%s\n' "$@" >order
	for shell in $BOOT_SHELLS; do
		missing=$(awk 'BEGIN { i = n = 0 } NR == FNR { want[n++] = $0; next } i < n && index($0, want[i]) == 1 { i++ }
			END { print want[i] }' order "journal.$shell")
		assertEquals "under $shell not there, or not in this order, in: $(cat "journal.$shell")" '' "$missing"
	done
}

# assert_exit CODE: the exit frame has this code, is sent once, and no frame comes after it.
assert_exit() {
	for shell in $BOOT_SHELLS; do
		assertEquals "last frame under $shell; console: $(cat "console.$shell")" \
			"ktsend exit $1" "$(grep '^ktsend ' "journal.$shell" | tail -n 1)"
	done
	assert_times 1 '^ktsend exit '
}

# assert_in FILE ERE: a line of the root's FILE matches.
assert_in() {
	for shell in $BOOT_SHELLS; do
		assert_matches "$2" "$shell/$1"
	done
}

# assert_content FILE TEXT: the root's FILE is exactly this.
assert_content() {
	for shell in $BOOT_SHELLS; do
		assert_file_text "$2" "$shell/$1"
	done
}

assert_console() { # ERE
	for shell in $BOOT_SHELLS; do
		assert_matches "$1" "console.$shell"
	done
}

assert_not_on_console() { # ERE
	for shell in $BOOT_SHELLS; do
		assert_no_match "$1" "console.$shell"
	done
}

# assert_no_frame: /init started no sender of frames.
assert_no_frame() {
	assert_did_not '^kt(send|dump) '
}
