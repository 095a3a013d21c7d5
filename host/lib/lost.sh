# Why a guest without a proper end ended, as far as console and QEMU tell.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   "no exit frame" has many causes, and each has its own cure. In: con_*, run_qemu_*, qemu.log.
#        Out: text.
# Exit:  none of its own.
# shellcheck disable=SC2015,SC2034,SC2154

# The first that holds: guest out of memory, init died, kernel panic, QEMU had to be killed, QEMU died,
# silent reset.
end_of_guest() { # TEXT
	if [ -n "$con_panic" ]; then describe_panic
	elif [ -n "$run_qemu_killed" ]; then printf %s "$1, and QEMU did not end"
	elif [ "$run_qemu_status" -ne 0 ]; then printf %s "QEMU died: $(qemu_message)"
	else printf %s "silent reset: $1; the console's last line is: $(last_console_line)"
	fi
}

describe_panic() {
	case $con_panic in
	*'deadlocked on memory'* | *'ut of memory'*) printf %s "guest out of memory: $con_panic" ;;
	*'Attempted to kill init'*)
		if [ -n "$con_oom_init" ]; then printf %s "guest out of memory: $con_oom_init"
		else printf %s "init died: $con_panic"
		fi ;;
	*) printf %s "kernel panic: $con_panic" ;;
	esac
}

qemu_message() {
	qemu_last=$(tail -c 1000 "$out/qemu.log" | tail -n 1)
	printf %s "${qemu_last:-no message}, status $run_qemu_status"
}

last_console_line() {
	tail -c 4096 "$out/console.log" | tr -d '\r' | printable | grep . | tail -n 1 | cut -b 1-160
}
