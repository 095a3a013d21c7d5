# SPDX-License-Identifier: GPL-2.0-only
#
# Title: virtme-ng: the same kernel, the same command (the baseline is vng -r KERNEL -- true)
#
# In: VNG_ROOT, a root with virtme-ng (scripts/fetch-vng-root.sh). vng runs in there, with the QEMU of there.
# Both get the same image, and TCG or KVM as ktrun has found it. vng with the kernel's modules in its root is
# what a user of a Debian has; without them its overlays fail and udev has less to load, so it is quicker. CPU
# time is that of all processes that were waited for: virtiofsd is not among them.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

note() { # TEXT: a row without figures
	printf '%s\t\t-\t-\t-\t-\t-\t-\t-\t-\t-\n' "$1" >>"$ROWS"
}

skip() { # WHY
	note "skipped: $1"
	echo "bench: vng skipped: $1" >&2
	exit 0
}

# take NAME PROGRAM ARG...: a sample for NAME.ms and one for NAME.cpu.
take() {
	take_name=$1
	shift
	# shellcheck disable=SC2016  # for that shell
	take_ms "$take_name.ms" sh -c '"$@"; code=$?; times >times; exit "$code"' sh "$@" || return 1
	awk -F '[ms ]+' 'NR == 2 { print int(($1 * 60 + $2 + $3 * 60 + $4) * 1000) }' times >>"$take_name.cpu"
}

version() { # PACKAGE
	# shellcheck disable=SC2016  # dpkg-query's own
	chroot "$VNG_ROOT" dpkg-query -W -f '${Version}' "$1"
}

# A run that proves nothing would be quick too: the command's own words and status must come back.
really_runs() {
	# shellcheck disable=SC2086  # an option, or none
	"$enter" "$VNG_ROOT" vng $no_kvm -r "$image" -- uname -r </dev/null >ran 2>ran.err ||
		{ cat ran.err >&2; return 1; }
	grep -qxF "$(cat "$KT_TOP/build/kernel/version")" ran
}

ours() { take ours "$KTRUN" -q -- true; }
root() { take root "$KTRUN" -q --host-root -- true; }
# shellcheck disable=SC2086  # an option, or none
vng() { take vng "$enter" "$VNG_ROOT" vng $no_kvm -r "$image" -- true; }
inside() { take inside "$enter" "$VNG_ROOT" /mnt/host/ktrun -q -c "$cpus" -m 1024 -- true; }
# shellcheck disable=SC2086  # the same
lean() { take lean env ENTER_HIDE=/usr/lib/modules "$enter" "$VNG_ROOT" vng $no_kvm -r "$image" -- true; }

[ -x "${VNG_ROOT:-}/usr/bin/vng" ] || skip 'VNG_ROOT has no root with vng (make bench-vng)'
enter=$KT_TOP/scripts/enter-root.sh image=/mnt/build/kernel/image
"$KTRUN" -q -o "$PWD/out" -- true || exit 1
KTRUN_ACCEL=$(value accel out) cpus=$(nproc) no_kvm=--disable-kvm
[ "$KTRUN_ACCEL" != kvm ] || no_kvm=
export KTRUN_ACCEL
really_runs || { echo "bench: vng does not run a command here" >&2; exit 1; }
in_turns "$(runs 5 2)" ours root vng inside lean || exit 1
note "virtme-ng $(version virtme-ng), QEMU $(version qemu-system-x86), $KTRUN_ACCEL"
row 'ktrun -q -- true, against vng -- true' ms ours.ms vng.ms -
row 'the same, CPU time' ms ours.cpu vng.cpu -
row 'ktrun -q --host-root -- true, against the same' ms root.ms vng.ms -
row 'the same, CPU time' ms root.cpu vng.cpu -
row 'ktrun with the QEMU, CPUs and memory of vng' ms inside.ms vng.ms -
row 'the same, CPU time' ms inside.cpu vng.cpu -
row 'ktrun like that, against vng without modules' ms inside.ms lean.ms -
row 'the same, CPU time' ms inside.cpu lean.cpu -
