# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Time to verdict: ktrun -- true, and what each boot flag buys
#
# Both boot the same machine with the same flags; the baseline's init powers off at once, and nobody reads what it
# says. The flags are taken away one at a time from that baseline.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

boot() { # FILE SED: the bare boot, its command changed by SED
	sed "$2" bare.sh >variant.sh
	take_ms "$1" timeout 60 sh variant.sh
}

bare() { boot bare.ms ''; }
ktrun() { take_ms ktrun.ms "$KTRUN" -q -o "$PWD/out" -- true; }
as_it_is() { boot as_it_is ''; }
with_tests() { boot tests 's/ cryptomgr.notests//'; }
with_erms() { boot erms 's/,-erms,-fsrm//'; }
one_cpu() { boot one_cpu 's/-smp [^ ]*/-smp 1/'; }
by_seabios() { boot bzimage "s|-kernel [^ ]*|-kernel $bzimage|; /-bios/d"; }

# Under -icount the guest's clock counts instructions, 2 ns each, whatever the load is: millions, up to the
# kernel's last line.
count() { # FILE CONSOLE
	sed -n 's/^\[ *\([0-9.]*\)\] reboot: [RP].*/\1/p' "$2" | awk '{ print $1 * 500 }' >>"$1"
}

count_both() {
	sed 's/-nodefaults/-icount shift=1,sleep=off &/; s/tsc_early_khz=[0-9]* //; s/lpj=[0-9]* //' bare.sh >variant.sh
	timeout 90 sh variant.sh </dev/null >sample.out 2>&1
	count bare.count bare/console.log
	"$KTRUN" -q -o "$PWD/out" --qemu-arg -icount --qemu-arg shift=1,sleep=off -- true
	count ktrun.count out/console.log
}

bare_command
bzimage=$(find "$KT_TOP/build/kernel" -name "*vmlinuz*" | head -n 1)
gzip -9 <bare/initramfs.cpio >bare/initramfs.gz
in_turns "$(runs 21 3)" bare ktrun || exit 1
# shellcheck disable=SC2086  # the last one, where there is such an image
in_turns "$(runs 5 2)" as_it_is with_tests with_erms one_cpu ${bzimage:+by_seabios} || exit 1
row 'ktrun -- true, against the bare boot' ms ktrun.ms bare.ms '<=1.25'
count_both
count_both
row 'the same, instructions of the guest' M ktrun.count bare.count -
row 'bare boot without cryptomgr.notests' ms tests as_it_is -
row 'bare boot with ERMS and FSRM' ms erms as_it_is -
row 'bare boot with one CPU' ms one_cpu as_it_is -
[ -z "$bzimage" ] || row 'bare boot by SeaBIOS from the bzImage' ms bzimage as_it_is -
