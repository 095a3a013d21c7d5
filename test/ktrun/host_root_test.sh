#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --host-root before the guest starts: how the root comes to it, what /init is told, which variables are taken,
# and what is refused. Programs named virtiofsd here only say what they can and note how they were called.

# shellcheck disable=SC1091,SC2086,SC2154 # what is sourced sets them; lists
. "$KT_TEST_LIB/stub.sh"

BOTH='CONFIG_VIRTIO_FS=y CONFIG_NET_9P_VIRTIO=y CONFIG_9P_FS=y CONFIG_OVERLAY_FS=y'

# kernel [OPTION...]: a kernel with these options, else all that it needs, and no modules known.
kernel() {
	mkdir -p kernel
	[ $# -gt 0 ] || set -- $BOTH
	[ -e kernel/image ] || cp -s "$KT_TOP/build/kernel/image" kernel/image
	printf '%s\n' "$@" >kernel/config
}

# virtiofsd COUNT OPTION...: a program with these options in its help, which notes its arguments in ./served. QEMU waits
# until COUNT of them have done that.
virtiofsd() {
	echo "until [ \"\$(grep -cx END '$PWD/served')\" = $1 ]; do :; done" >stub/act
	shift
	{
		echo '#!/bin/sh'
		echo "[ \"\$1\" != --help ] || { echo '$*'; exit; }"
		echo "for word; do echo \"\$word\" >>'$PWD/served'; done; echo END >>'$PWD/served'"
	} >virtiofsd
	chmod +x virtiofsd
	KTRUN_VIRTIOFSD=$PWD/virtiofsd
	export KTRUN_VIRTIOFSD
	rm -f served
}

tearDown() {
	unset KTRUN_VIRTIOFSD
}

passes() { # ARG...
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -k kernel/image --host-root "$@"
	assert_status 0
	mv stub/args args
}

refuses() { # WORD ARG...
	word=$1
	shift
	ktrun --host-root "$@"
	assert_refused
	assertTrue "$word is not in: $(cat err)" "grep -qF -- '$word' err"
}

# from_guest FILE: of what ktrun added to the initramfs.
from_guest() {
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd |
		cpio -i --quiet --to-stdout --no-absolute-filenames "$1" 2>cpio.err
}

# variables: those of the guest, one a line.
variables() {
	from_guest .ktbox/env | tr '\000' '\n'
}

test_virtiofs_shares_the_guests_memory_with_a_daemon_for_each_directory() {
	kernel
	virtiofsd 3 --shared-dir --readonly
	mkdir in written
	passes --ro in:/mnt/in --rw written -m 640 --topology 2,1,1,1 -- true
	assert_matches '^vhost-user-fs-pci,chardev=share0,tag=ktbox-root$' args
	assert_matches '^socket,id=share2,fd=[0-9]+$' args
	assert_matches '^memory-backend-file,id=node1,size=320M,share=on,mem-path=/.*/ram/node1$' args
	assert_no_match '9p' args
	assertEquals 2 "$(grep -cx -e --readonly served)"
	assertEquals 1 "$(grep -cx -e --shared-dir=/ served)"
	assertEquals 1 "$(grep -cx -e "--shared-dir=$PWD/written" served)"
	assertEquals virtiofs "$(from_guest .ktbox/host_root/type)"
	from_guest .ktbox/shares >shares
	assert_file_text "virtiofs ro ktbox0 /mnt/in
virtiofs rw ktbox1 $PWD/written" shares
}

test_a_daemon_without_readonly_gets_a_read_only_tree() {
	kernel
	virtiofsd 2 --shared-dir
	mkdir written
	passes --rw written -- true
	assertEquals 1 "$(grep -cxE -e '--shared-dir=/.*/ktrun\.[0-9a-f]+/ktbox-root' served)"
	assertEquals 1 "$(grep -cx -e "--shared-dir=$PWD/written" served)"
	virtiofsd 2 -o source=PATH
	passes --rw written -- true
	assert_matches '^sandbox=chroot,log_level=err,cache=always,source=/.*/ktrun\.[0-9a-f]+/ktbox-root$' served
	assert_matches "^sandbox=chroot,log_level=err,cache=auto,source=$PWD/written$" served
}

test_without_virtiofs_it_is_9p_and_a_line_says_why() {
	kernel
	KTRUN_VIRTIOFSD=none passes -- true
	assert_no_match 'slower' err
	assert_matches '^local,id=share0,path=/,security_model=none,multidevs=remap,readonly=on$' args
	assert_no_match 'vhost-user|share=on' args
	assertEquals 9p "$(from_guest .ktbox/host_root/type)"
	kernel CONFIG_NET_9P_VIRTIO=y CONFIG_9P_FS=y CONFIG_OVERLAY_FS=y
	passes -- true
	assert_matches 'comes by virtio-9p, which is slower than virtiofs: the kernel lacks CONFIG_VIRTIO_FS' err
	kernel
	virtiofsd 0 nothing of that
	rm stub/act
	passes -- true
	assert_matches 'virtiofsd is no virtiofsd' err
}

test_a_user_can_not_use_the_virtiofsd_of_qemu() {
	[ "$(id -u)" = 0 ] || startSkipping
	launcher 'from launcher.lib.jobs import Jobs
from launcher.shares.virtiofsd import CannotServe, _find_namespace
import os
with Jobs() as jobs:
    for is_qemus, user in ((True, 0), (True, 12345)):
        os.seteuid(user)
        try:
            print("as", user, *_find_namespace(is_qemus, jobs))
        except CannotServe as why:
            print("as", user, why)' >said
	assert_matches '^as 0 unshare --mount$' said
	assert_matches '^as 12345 .*serves only root' said
}

test_a_kernel_that_can_not_do_it_is_named() {
	kernel CONFIG_NET_9P_VIRTIO=y CONFIG_9P_FS=y
	refuses '--host-root: the kernel lacks CONFIG_OVERLAY_FS (overlayfs)' -k kernel/image -- true
	kernel CONFIG_OVERLAY_FS=y
	refuses 'no virtiofs: the kernel lacks CONFIG_VIRTIO_FS; no virtio-9p: the kernel lacks CONFIG_NET_9P_VIRTIO' \
		-k kernel/image -- true
	kernel CONFIG_NET_9P_VIRTIO=y CONFIG_9P_FS=y CONFIG_OVERLAY_FS=m
	refuses 'CONFIG_OVERLAY_FS as a module' -k kernel/image -- true
	kernel
	KTRUN_VIRTIOFSD=$PWD/none refuses 'KTRUN_VIRTIOFSD: neither none nor a program' -k kernel/image -- true
}

test_shares_alone_come_by_virtiofs_where_the_kernel_has_no_9p() {
	mkdir in
	kernel CONFIG_VIRTIO_FS=y
	virtiofsd 1 --shared-dir --readonly
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -k kernel/image --ro in:/mnt/in -- true
	assert_status 0
	assertEquals 'virtiofs ro ktbox0 /mnt/in' "$(from_guest .ktbox/shares)"
	rm stub/act
	kernel
	ktrun -k kernel/image --ro in:/mnt/in -- true
	assert_status 0
	assertEquals '9p ro ktbox0 /mnt/in' "$(from_guest .ktbox/shares)"
}

test_the_guest_learns_directory_shell_scheduler_and_what_of_tmp_is_needed() {
	kernel
	streams $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT
	SHELL=/bin/bash KTRUN_VIRTIOFSD=none ktrun -k kernel/image --host-root -s "$KT_TOP/build/scx_demo" -- ./none
	assert_status 0
	assertEquals "$PWD" "$(from_guest .ktbox/host_root/directory)"
	assertEquals /bin/bash "$(from_guest .ktbox/host_root/shell)"
	assertEquals "$(realpath "$KT_TOP/build/scx_demo")" "$(from_guest .ktbox/host_root/scheduler)"
	from_guest .ktbox/host_root/shown | grep -qxF "$PWD"
	assertEquals "the directory, which is below /tmp: $PWD" 0 $?
	assertEquals "no program is packed" '' "$(from_guest scheduler)"
	ln -s "$PWD" link
	mkdir in
	KTRUN_VIRTIOFSD=none passes --ro "in:$PWD/link/there" -- true
	assertEquals "9p ro ktbox0 $PWD/there" "$(from_guest .ktbox/shares)"
}

test_the_environment_is_the_callers_without_what_only_the_host_has() {
	kernel
	A_WORD='two  words' LD_LIBRARY_PATH=/opt/lib SSH_AUTH_SOCK=/s DISPLAY=:0 MAKEFLAGS=-j KT_PORT_FD=9 TERM=xterm TMPDIR=/tmp \
		LD_PRELOAD='' PATH=/opt/mine:$PATH KTRUN_VIRTIOFSD=none passes -e A_SECOND=one -e HOME=/of/e -- true
	variables >seen
	for line in 'A_WORD=two  words' LD_LIBRARY_PATH=/opt/lib A_SECOND=one; do
		grep -qxF "$line" seen
		assertEquals "$line in $(cat seen)" 0 $?
	done
	assert_matches '^PATH=/opt/mine:.*/sbin.*:/run/ktbox/bin$' seen
	assertEquals 'HOME=/of/e' "$(grep '^HOME=' seen | tail -n 1)"
	assert_no_match '^(SSH_AUTH_SOCK|DISPLAY|MAKEFLAGS|KT_PORT_FD|KTRUN_VIRTIOFSD|TERM|TMPDIR|LD_PRELOAD)=' seen
}

test_without_it_no_variable_is_taken() {
	kernel
	streams $READY $STARTED $OUT0 $EXIT
	A_WORD=x ktrun -k kernel/image -- true
	assert_status 0
	assertEquals '' "$(variables | grep A_WORD)"
}

test_a_shell_without_a_terminal_is_the_users() {
	kernel
	streams $READY $STARTED $OUT0 $EXIT
	echo 'true' >commands
	rm -rf art
	SHELL=/bin/bash KTRUN_VIRTIOFSD=none timeout "$KT_CEILING" "$KTRUN" -o "$PWD/art" -k kernel/image --host-root --shell \
		<commands >out 2>err
	assertEquals 0 $?
	assertEquals /bin/bash "$(from_guest .ktbox/command | tr '\000' ' ' | sed 's/ $//')"
}

test_what_does_not_go_with_it_is_refused() {
	kernel
	echo x >x
	refuses 'leave it out' -k kernel/image -i x -- true
	refuses '--history does not go with it' -k kernel/image --shell --history x
	mkdir gone
	image=$PWD/kernel/image
	(cd gone && rmdir ../gone && ! "$KTRUN" -k "$image" --host-root -- true >../out 2>../err)
	assert_matches 'the current directory is no longer there' err
	(cd /run && ! "$KTRUN" --host-root -k "$image" -- true) >out 2>err
	assert_matches 'the current directory is /run' err
	(cd /sys/kernel && ! "$KTRUN" --host-root -k "$image" -- true) >out 2>err
	assert_matches 'the current directory is /sys/kernel, and the guest has its own /sys$' err
	(cd /proc/self && ! "$KTRUN" --host-root -k "$image" -- true) >out 2>err
	assert_matches 'the current directory is /proc/[0-9]*, and the guest has its own /proc$' err
}

test_the_twin_a_run_that_is_only_printed_starts_no_daemon() {
	kernel
	virtiofsd 0 --shared-dir --readonly
	ktrun -k kernel/image --host-root -n -- true
	assert_status 0
	assert_matches 'vhost-user-fs-pci,chardev=share0,tag=ktbox-root' out
	assertFalse "a daemon was started" "[ -e served ]"
}

. shunit2
