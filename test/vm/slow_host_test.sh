#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A host that reads the bulk port slowly, and through a socket: what is unread when the machine goes would be
# lost, so it asks the guest to wait for it (ktbox.ack=1).
# In:  KT_SLOW_BYTES (a multiple of 64 000), KT_SLOW_RATE (bytes a second): of the run; KT_SLOW_STALL: seconds without
#      reading, longer than the guest waits for an acknowledgement.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

BYTES=${KT_SLOW_BYTES:-8000000}
RATE=${KT_SLOW_RATE:-1000000}
VM_CEILING=$((VM_CEILING + BYTES / RATE))

# slow_vm NAME STALL ARG...: the payload's last bytes are not the same as those before them. The host stalls when so
# much is left as the port's queue and the socket take without it. The queue has 128 places, one for each frame, so the
# payload writes large blocks: a program that writes 1 KiB at a time may make a frame of each.
slow_vm() {
	slow_name=$1 slow_stall=$2
	shift 2
	KTRUN_QEMU=$FILES/slow KTRUN_ACCEL=tcg KT_RATE=$RATE KT_STALL=$slow_stall KT_STALL_AT=$((BYTES - 300000)) \
		vm "$slow_name" "$@" -- sh -c "dd if=/dev/zero bs=64000 count=$((BYTES / 64000)) 2>/dev/null; echo end"
}

oneTimeSetUp() {
	printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$KT_PYTHON" "$KT_TOP/test/tools/slow_host.py" >"$FILES/slow"
	chmod +x "$FILES/slow"
	slow_vm waited "${KT_SLOW_STALL:-4}" --append ktbox.ack=1
	slow_vm not_waited gone
}

test_a_slow_host_gets_every_byte() {
	look waited
	assert_verdict pass 0
	assert_value complete true
	assert_value missing_bytes 0
	assertEquals "stdout" $((BYTES + 4)) "$(wc -c <"$art/stdout")"
	assertEquals end "$(tail -c 4 "$art/stdout")"
}

test_a_slow_host_that_does_not_ask_for_it_is_not_waited_for() {
	look not_waited
	assert_verdict lost 203
	assertTrue "a part of stdout is missing" "[ $(wc -c <"$art/stdout") -lt $BYTES ]"
}

. shunit2
