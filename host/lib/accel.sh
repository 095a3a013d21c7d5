# KVM or TCG: decided by booting a kernel under KVM once.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   /dev/kvm may be there and yet unable to run a kernel; only a boot tells. The outcome is
#        remembered for this boot of this machine and this QEMU.
# In:    run_qemu_path, run_kernel; KTRUN_ACCEL forces an answer. Out: run_accel, $cache/accel (a line
#        "KEY=ACCEL").
# Exit:  205 when the trial itself can't be made.
# shellcheck disable=SC2015,SC2034,SC2154

trial_limit_secs=15

choose_accelerator() {
	run_accel=${KTRUN_ACCEL:-}
	[ -z "$run_accel" ] || return 0
	run_accel=tcg
	can_be_tried && [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 0
	make_accel_key
	recall_accelerator && return
	if [ -n "$opt_dry_run" ]; then
		note "KVM was not tried on this machine yet; shown for TCG"
		return
	fi
	[ -n "$opt_quiet" ] || note "trying once whether KVM runs a kernel here (at most $trial_limit_secs s)"
	try_kvm && run_accel=kvm
	remember_accelerator
}

# KVM runs the architecture that it is on. On ARM it was never tried by us: KTRUN_ACCEL=kvm asks for it.
can_be_tried() {
	[ "$run_arch" = x86_64 ] && [ "$(uname -m)" = x86_64 ]
}

make_accel_key() {
	read -r accel_boot </proc/sys/kernel/random/boot_id
	accel_key="$accel_boot $(stat -L -c '%n %s %Y' -- "$run_qemu_path")"
}

recall_accelerator() {
	[ -n "$cache" ] && [ -r "$cache/accel" ] || return 1
	while IFS= read -r accel_line; do
		case $accel_line in
		"$accel_key=kvm") run_accel=kvm; return 0 ;;
		"$accel_key=tcg") run_accel=tcg; return 0 ;;
		esac
	done <"$cache/accel"
	return 1
}

# Where nothing can be kept (a read-only tree, a user without a home), the next run just tries again.
remember_accelerator() {
	[ -n "$cache" ] && mkdir -p "$cache" 2>"$work/err" && [ -w "$cache" ] || return 0
	printf '%s=%s\n' "$accel_key" "$run_accel" >"$cache/accel.$$" &&
		mv -f "$cache/accel.$$" "$cache/accel" || die "unable to write $cache/accel"
}

# KVM works when a kernel without a root file system says hello and panics into a reboot, which ends QEMU.
# When KVM fails in emulation, QEMU says so and hangs: the watcher on its messages saves the wait for the
# limit.
try_kvm() {
	mkfifo "$work/trial.err"
	: >"$work/trial.console"
	hold_signals
	watch_trial <"$work/trial.err" &
	run_viewer=$!
	run_trial >/dev/null 2>"$work/trial.err" &
	run_qemu=$!
	release_signals
	await "$trial_limit_secs" trial_ended trial_failed
	stop_qemu
	wait "$run_viewer"
	run_viewer=''
	[ "$awaited" = trial_ended ] && [ "$run_qemu_status" -eq 0 ] && grep -q 'Linux version' "$work/trial.console"
}

watch_trial() {
	grep -q -i 'kvm.*error\|error.*kvm' && "$bb" ktlatch set trial_failed
}

run_trial() {
	# shellcheck disable=SC3045 # every sh of Linux has -c; a QEMU that can't use its /dev/kvm may abort
	ulimit -c 0
	set -- -nodefaults -display none -no-reboot -machine q35 -accel kvm -cpu host -m 256
	[ "$run_kernel_type" != elf ] || set -- "$@" -bios qboot.rom
	qemu_escape "$work/trial.console"
	supervise trial_ended "$run_qemu_path" "$@" -chardev "file,id=com1,path=$escaped" -serial chardev:com1 \
		-kernel "$run_kernel" -append 'console=ttyS0 panic=-1' 3</dev/null
}
