#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --host-root by virtio-9p, on a kernel whose 9p and overlayfs are modules (make kernel-generic): cold, and from a
# saved guest. What the guest may not do is as by virtiofs (test/vm/host_root_test.sh).

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the guest's shell expands
. "$KT_TEST_LIB/vm.sh"
. "$KT_TEST_LIB/host_root.sh"

USER_ID=12345 # nobody's
GENERIC=$KT_TOP/build/kernel-generic/image

oneTimeSetUp() {
	make_home
	cd "$HOME_DIRECTORY" || return
	KTRUN_VIRTIOFSD=none vm all -k "$GENERIC" --host-root --rw "$FILES/rw" --ro "$FILES/ro" --ro "$FILES/ro:/mnt/ro" \
		-- sh payload.sh "$KT_PYTHON" "$FILES"
	vm warm -k "$GENERIC" --warm --host-root -- sh -c 'cat target/file; grep -c virtiofs /proc/mounts; cut -d " " -f 1 /proc/modules'
	boot_for_a_user
	cd /
}

# In a copy, since the source tree may not be readable to others.
boot_for_a_user() {
	user_home=$(mktemp -d /tmp/kt-host-root.XXXXXX)
	mkdir -p "$user_home/build" "$user_home/files"
	cp -r "$KT_TOP/host" "$KT_TOP/config.mk" "$user_home/"
	cp -r "$KT_TOP/build/busybox" "$KT_TOP/build/initramfs.cpio" "$KT_TOP/build/kernel-generic" "$user_home/build/"
	echo secret >"$user_home/files/secret"
	chmod 600 "$user_home/files/secret"
	chmod -R a+rX "$user_home/host" "$user_home/build"
	chmod 777 "$user_home" "$user_home/files"
	(
		cd "$user_home/files" || exit
		setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups env HOME="$user_home" TMPDIR="$user_home" KTRUN_ACCEL=tcg \
			"$user_home/host/ktrun" -t "$VM_CEILING" -k "$user_home/build/kernel-generic/image" -o "$user_home/art" \
			--host-root --rw "$user_home/files" -- sh -c '
				cat secret || echo unreadable
				echo "by the user" >written; ls -l /usr/bin/env >/dev/null && echo readable' \
			</dev/null >"$VMS/user.out" 2>"$VMS/user.err"
		echo $? >"$VMS/user.status"
	)
	cp -r "$user_home/art" "$VMS/user"
	stat -c '%u %n' "$user_home/files/written" >"$FILES/written" 2>&1
	rm -rf "$user_home"
}

test_the_host_is_as_it_was() {
	look all
	assert_verdict pass 0
	assert_attempts overlay 'done' 21
	assert_matches '^below: writable, as the guest has it$' "$out"
	assert_attempts below refused 21
	assert_the_host_is_as_it_was
	assert_matches '^rw: done write$' "$out"
}

test_a_warm_guest_has_the_hosts_root_by_9p() {
	look warm
	assert_verdict pass 0
	assert_value start warm
	assert_matches '^file of the host$' "$out"
	assert_matches '^0$' "$out"
	assert_matches '^overlay$' "$out"
}

test_a_user_reads_what_the_user_may_read_and_writes_as_the_user() {
	look user
	assert_verdict pass 0
	assert_matches '^unreadable$' "$out"
	assert_matches '^readable$' "$out"
	assert_matches "^$USER_ID " "$FILES/written"
}

. shunit2
