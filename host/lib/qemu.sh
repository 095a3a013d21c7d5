# The QEMU command.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   one place for the machine that the guest sees. In: opt_*, run_*, work, out. Out: an argument
#        vector, handed to the verb that qemu_command is called with (sh has no lists to return). Exit:
#        205 when it can't be made.
#
# Devices: a UART for the console, another for last words (architecture.sh), one virtio-serial bus with port
# 0 = hvc0 (wake bytes), port 1 = frames, port 3 = stdin or terminal of ktrun, where there is one. What the
# guest writes to hvc0 is not read by anyone: hvc0.out is /dev/null, so that it never fills up.
# shellcheck disable=SC2015,SC2034,SC2154

frequency_room=25 # of the kernel's command line, for tell_frequency

qemu_command() { # VERB...
	set -- "$@" "$run_qemu_path" -nodefaults -display none -no-reboot -machine "$arch_machine"
	case $run_accel in
	kvm) set -- "$@" -accel kvm -cpu "host$run_cpu_words" ;;
	*) set -- "$@" -accel tcg,thread=single -cpu "$arch_tcg_cpu" ;;
	esac
	set -- "$@" -m "$opt_memory" -smp "$run_smp"
	[ "$run_kernel_type" != elf ] || set -- "$@" -bios qboot.rom
	set -- "$@" -kernel "$run_kernel" -initrd "$work/initramfs.cpio" -append "$run_words"
	console_chardev
	set -- "$@" -chardev "$chardev" -serial chardev:com1
	qemu_escape "$out/com2.log"
	# shellcheck disable=SC2086 # two words
	set -- "$@" -chardev "file,id=com2,path=$escaped" $arch_com2 -device virtio-serial-pci
	qemu_escape "$work/hvc0"
	set -- "$@" -chardev "pipe,id=hvc0,path=$escaped" \
		-device virtconsole,nr=0,chardev=hvc0,name=ktstr-console
	qemu_escape "$out/bulk.bin"
	set -- "$@" -chardev "file,id=bulk,path=$escaped" -device virtserialport,nr=1,chardev=bulk,name=ktstr-bulk
	if [ -n "$run_input" ]; then
		qemu_escape "$work/ctl"
		set -- "$@" -chardev "pipe,id=ctl,path=$escaped" -device virtserialport,nr=3,chardev=ctl,name=ktbox-ctl
	fi
	[ -z "$opt_gdb" ] || set -- "$@" -s -S
	IFS=$newline
	# shellcheck disable=SC2086
	set -- "$@" $run_numa $run_share_args $opt_qemu_args
	unset IFS
	"$@"
}

# Sets $run_words: the kernel's command line, of which x86 takes 2047 bytes.
# no_timer_check: the kernel counts timer interrupts for ten of its jiffies, and panics ("IO-APIC + timer
# doesn't work!") when a busy host gave the VM no CPU meanwhile.
make_kernel_words() {
	run_words="console=$arch_console panic=-1 oops=panic cryptomgr.notests no_timer_check KTSTR_GUEST=1"
	run_words="$run_words ktbox.host=ktrun ktbox.live_log=1"
	[ -z "$opt_shell" ] || run_words="$run_words KTSTR_MODE=shell"
	[ -z "$run_input" ] || run_words="$run_words ktbox.ctl=1"
	[ -z "$opt_expect_death" ] || run_words="$run_words ktbox.expect_death=1"
	[ -z "$opt_dmesg" ] || run_words="$run_words ktbox.dmesg=1"
	[ -z "$opt_printk" ] || run_words="$run_words ktbox.printk=1"
	[ -z "$opt_gdb" ] || run_words="$run_words nokaslr"
	! is_interactive || case ${TERM:-} in
	'' | *[!A-Za-z0-9._+-]*) ;;
	*) run_words="$run_words ktbox.term=$TERM" ;;
	esac
	run_words=$run_words$opt_append
	words_size=$((${#run_words} + frequency_room))
	[ "$words_size" -lt 2048 ] ||
		die "--append: the kernel's command line is too long ($words_size bytes, at most 2047)"
}

# A guest under TCG has the host's time stamp counter, and on a busy host it takes a wrong frequency for it; then
# its clock is wrong, and with it all time-outs in the guest. In front of the user's words, so that theirs win.
# With -icount the counter is another one, which no host disturbs.
tell_frequency() {
	[ "$run_accel" = tcg ] && [ "$run_arch" = x86_64 ] || return 0
	case $newline$opt_qemu_args in *"$newline-icount$newline"*) return 0 ;; esac
	frequency=$("$bb" kttsc 2>/dev/null) || return 0 # a host of another architecture
	run_words="tsc_early_khz=$frequency $run_words"
}

# Sets $chardev. With -v the console goes through a pipe to the viewer, and QEMU itself keeps the log.
console_chardev() {
	qemu_escape "$out/console.log"
	chardev=file,id=com1,path=$escaped
	[ -n "$opt_verbose" ] || return 0
	chardev=logfile=$escaped
	qemu_escape "$work/console.pipe"
	chardev=file,id=com1,path=$escaped,$chardev
}

print_command_only_if_asked() {
	[ -n "$opt_dry_run" ] || return 0
	qemu_command print_command
	note "a run makes $work/initramfs.cpio and hvc0.in, and removes them at its end"
	exit 0
}

# One option a line, as a shell reads it.
print_command() { # PROGRAM ARG...
	print_line=''
	for print_word in "$@"; do
		case $print_word in
		-*) printf '%s \\\n' "$print_line"; print_line=' ' ;;
		esac
		case $print_word in
		'' | *[!A-Za-z0-9_/.,:=+@%-]*) shell_quote "$print_word" ;;
		*) quoted=$print_word ;;
		esac
		print_line="$print_line${print_line:+ }$quoted"
	done
	printf '%s\n' "$print_line"
}
