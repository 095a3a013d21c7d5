#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The host's root in the guest: what /init mounts, in which order, what runs in it and what stays outside.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

LOWER=/.ktbox/host_root/lower
CHANGES=/.ktbox/host_root/changes
MERGED=/.ktbox/host_root/root

# asked TYPE: the host has given its root, for a user in /home/u.
asked() {
	rm root/scheduler root/payload
	mkdir -p root/.ktbox/host_root root/lib
	echo "$1" >root/.ktbox/host_root/type
	echo /home/u >root/.ktbox/host_root/directory
	echo /bin/zsh >root/.ktbox/host_root/shell
	printf 'true\000' >root/.ktbox/command
	when ktexec 'note "ktexec in ${KT_USER_ROOT#"$KTBOX_ROOT"} at $KT_USER_DIR"'
}

test_without_it_nothing_is_mounted_and_programs_have_the_guests_root() {
	when ktexec 'note "ktexec in ${KT_USER_ROOT-none} at ${KT_USER_DIR-none}"'
	boot
	assert_did 'ktexec in none at /'
	assert_did_not '^mount .*(overlay|bind)'
}

test_the_root_is_an_overlay_over_what_is_mounted_read_only() {
	asked virtiofs
	boot
	assert_order 'ktpipe -o' "mount -t virtiofs -o ro ktbox-root $LOWER" "mount -t tmpfs -o mode=755 tmpfs $CHANGES" \
		"mount -t overlay -o lowerdir=$LOWER,upperdir=$CHANGES/upper,workdir=$CHANGES/work,redirect_dir=on,xino=on overlay $MERGED" \
		'mount -o bind / /run/ktbox/root' "mount -o rbind /proc $MERGED/proc" "mount -o rbind /sys $MERGED/sys" \
		"mount -o rbind /dev $MERGED/dev" "mount -o rbind /run $MERGED/run" "mount -o rbind /tmp $MERGED/tmp" \
		"ktexec in $MERGED at /home/u" 'ktsend exit 0'
	assert_exit 0
}

test_by_9p_what_was_read_is_kept() {
	asked 9p
	boot
	assert_did "mount -t 9p -o ro,cache=loose,trans=virtio,version=9p2000.L,msize=262144 ktbox-root $LOWER"
	assert_exit 0
}

test_what_of_tmp_the_user_needs_is_mounted_there_before_tmp_is() {
	asked virtiofs
	printf '/tmp/a b/c\n/run/file\n' >root/.ktbox/host_root/shown
	when mount 'case "$*" in *" overlay "*) mkdir -p "$KTBOX_ROOT$MERGED/tmp/a b/c" ;; esac'
	sed -i "s|\$MERGED|$MERGED|" root/behave/mount
	boot
	assert_order "mount -o bind $MERGED/tmp/a b/c /tmp/a b/c" "mount -o bind $MERGED/run/file /run/file" \
		"mount -o rbind /tmp $MERGED/tmp"
	assert_exit 0
}

test_tmp_itself_can_be_the_hosts() {
	asked virtiofs
	echo /tmp >root/.ktbox/host_root/shown
	boot
	assert_did_not "^mount -o r?bind .*/tmp$"
	assert_did "mount -o rbind /run $MERGED/run"
}

test_a_mount_that_fails_ends_the_run_with_what_the_kernel_lacks() {
	for pair in 'virtiofs:does this kernel have virtiofs' 'overlay:does this kernel have CONFIG_OVERLAY_FS' \
		'rbind:cannot mount the guest.s directories'; do
		new_root
		asked virtiofs
		when mount "case \"\$*\" in *${pair%%:*}*) exit 1 ;; esac"
		boot
		assert_did_not '^ktexec'
		assert_times 1 "^ktsend init-error host's root: .*${pair#*:}"
		assert_exit 209
	done
}

test_the_scheduler_runs_in_it_by_its_name() {
	asked virtiofs
	echo /opt/scx/scx_demo >root/.ktbox/host_root/scheduler
	echo scx_demo >root/.ktbox/scheduler_name
	when ktexitmon 'note "monitor in ${KT_USER_ROOT#"$KTBOX_ROOT"} $(readlink "$3")"; ktlatch set sched_attached; stay'
	ln -s "$(command -v readlink)" root/tools/readlink
	boot
	assert_did 'ktexitmon -l /tmp/sched.log /run/kt/bin/scx_demo' "monitor in $MERGED /opt/scx/scx_demo"
	assert_exit 0
}

test_directories_of_the_host_are_mounted_inside() {
	asked virtiofs
	echo 'virtiofs rw ktbox0 /srv/x' >root/.ktbox/shares
	boot
	assert_order "mount -o rbind /tmp $MERGED/tmp" "mount -t virtiofs -o rw ktbox0 $MERGED/srv/x" 'ktexec in'
}

test_the_shell_is_the_users_and_a_debug_shell_the_guests() {
	asked virtiofs
	rm root/.ktbox/command
	cmdline KTSTR_MODE=shell ktbox.ctl=1 break=stats
	when ktterm 'note "shell in ${KT_USER_ROOT#"$KTBOX_ROOT"}"'
	boot
	assert_order 'ktterm /bin/sh -l' 'shell in' 'ktterm /bin/sh -c cat /run/ktbox/greeting; exec "$0" /bin/zsh' \
		"shell in $MERGED"
	assert_times 1 '^shell in $'
	assert_in run/ktbox/greeting "the host's files"
}

test_files_are_brought_back_from_inside() {
	asked virtiofs
	echo /home/u/result >root/.ktbox/get
	boot
	assert_did "ktget -r $MERGED /home/u/result"
}

. shunit2
