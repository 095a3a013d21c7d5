# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# host_root.sh: what tests of ktrun --host-root give to their guests, and what must be as it was afterwards.

# make_home: makes the directory from which ktrun is started, $HOME_DIRECTORY, with the directory `target`, which the
# guest tries to change, and the payload. One file of it stays open.
make_home() {
	HOME_DIRECTORY="$FILES/a home"
	mkdir -p "$HOME_DIRECTORY" "$FILES/rw" "$FILES/ro"
	make_target "$HOME_DIRECTORY/target"
	make_target "$FILES/rw/target"
	echo outside >"$HOME_DIRECTORY/outside"
	echo "of the host" >"$FILES/ro/file"
	cp "$KT_TOP/test/vm/host_root/attempts.py" "$HOME_DIRECTORY/"
	payload >"$HOME_DIRECTORY/payload.sh"
	# shellcheck disable=SC2016 # the script expands
	printf '%s\n' 'test_that_bash_is_there() { assertEquals "$PWD" "$(bash -c pwd)"; }' '. shunit2' \
		>"$HOME_DIRECTORY/the_test.sh"
	exec 8<"$HOME_DIRECTORY/target/open"
	snapshot >"$FILES/before"
}

make_target() { # DIRECTORY
	mkdir -p "$1/empty"
	for name in file open second third program; do
		echo "$name of the host" >"$1/$name"
	done
	ln "$1/second" "$1/second-name"
	ln -s file "$1/link"
	ln -s ../outside "$1/outside"
	chmod 755 "$1/program"
}

# snapshot: prints all that a change of the target would change, the times of inodes included.
snapshot() {
	(cd "$HOME_DIRECTORY" && find . -printf '%p %y %i %m %n %U:%G %s %T@ %C@ %l\n' && cat target/file target/open outside)
}

# payload: prints the script that the guest runs in its directory, with Python's path and $FILES as arguments.
payload() {
	cat <<-'END'
		python=$1 files=$2
		echo "in $PWD, $KIND_OF_TEST, ${SSH_AUTH_SOCK:-no agent}, $HOME, shell $SHELL"
		pwd
		ktsend mark from-inside && ktlatch set of_the_payload && [ -e /run/kt/of_the_payload ] && echo "kt commands work"
		echo "root: $(stat -f -c %T /), /proc: $(stat -f -c %T /proc), /run: $(stat -f -c %T /run)"
		cat "$files/ro/file" /mnt/ro/file
		touch /mnt/ro/new || echo "ro refuses"
		"$python" attempts.py target | sed 's/^/overlay: /'
		cat target/file >made-by-the-guest
		lower=/proc/1/root/.ktbox/host_root/lower
		chroot /proc/1/root /bin/mount -o remount,rw /.ktbox/host_root/lower
		grep -q " /.ktbox/host_root/lower [^ ]* rw," /proc/1/mounts && echo "below: writable, as the guest has it"
		"$python" attempts.py "$lower$PWD/target" | sed 's/^/below: /'
		"$python" attempts.py "$files/rw/target" | sed 's/^/rw: /'
		grep -q . "$lower/etc/shadow" && echo "reads what root may read"
	END
}

# assert_attempts KIND done|refused COUNT: all COUNT attempts ended like that.
assert_attempts() {
	assertEquals "attempts $1 that were $2 ($(grep "^$1: " "$out" | grep -v " $2 "))" "$3" "$(grep -c "^$1: $2 " "$out")"
}

assert_the_host_is_as_it_was() {
	snapshot >snapshot.now
	assertEquals "$(diff "$FILES/before" snapshot.now)" "$(cat "$FILES/before")" "$(cat snapshot.now)"
}
