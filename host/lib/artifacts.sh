# The private workplace and the folder of artifacts.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   what is needed only while it runs is in one folder that always goes; what is kept is in one folder.
# In:    opt_output, opt_dry_run. Out: work (with latch/ for ktlatch), out. Exit: 205 when one can't be
#        written, or is another run's.
# shellcheck disable=SC2015,SC2034,SC2154

# A dry run only names what it would have made.
make_workplace() {
	out=${opt_output:-$runs/$(date +%Y%m%d-%H%M%S)-$$}
	if [ -n "$opt_dry_run" ]; then name_temporary_folder; else make_temporary_folder; fi
}

name_temporary_folder() {
	make_absolute "${TMPDIR:-/tmp}/ktrun.XXXXXX"
	work=$absolute
}

make_temporary_folder() {
	name_temporary_folder
	hold_signals
	work=$(mktemp -d "$work") || die "unable to make a temporary folder"
	run_made_work=yes
	release_signals
	KT_RUN_DIR=$work/latch
	export KT_RUN_DIR
	mkdir "$KT_RUN_DIR"
}

# Artifacts of an earlier run in the same folder would be taken for this run's.
open_artifacts() {
	mkdir -p "$out" 2>"$work/err" || die "output is not writable: $out"
	lock_output
	open_get_folder
	find "$out" -mindepth 1 -maxdepth 1 -type f \( -name bulk.bin -o -name console.log -o -name com2.log \
		-o -name qemu.log -o -name stdout -o -name stderr -o -name dmesg -o -name printk -o -name history \
		-o -name result.json -o -name result.json.new -o -name host.txt -o -name hang.txt \
		-o -name sched.log -o -name 'sched-[0-9]*.log' -o -name 'dump-[0-9]*.txt' \) -exec rm -f {} +
	touch "$out/bulk.bin" "$out/console.log" "$out/com2.log" 2>"$work/err" || die "output is not writable: $out"
}

# Two runs in one folder would mix. Descriptor 9 has the lock; QEMU and the reader inherit it, since they may
# live on when this process is killed.
lock_output() {
	touch "$out/lock" 2>"$work/err" || die "output is not writable: $out"
	exec 9>>"$out/lock"
	"$bb" flock -n 9 || die "a run, or the QEMU that a killed one has left behind, is still at work in $out"
}
