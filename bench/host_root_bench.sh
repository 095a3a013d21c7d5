# SPDX-License-Identifier: GPL-2.0-only
#
# Title: The host's root (the baseline: the same run without --host-root)
#
# By virtiofs on the default kernel; by virtio-9p on the generic one, which has it as modules
# (make kernel-generic). A program of the host's is read through the share; without it, it comes in the initramfs, with
# its libraries.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

generic=$KT_TOP/build/kernel-generic/image
imports='import json, ssl'

# by_9p FILE ARG...: a run on the generic kernel.
by_9p() {
	sample=$1
	shift
	KTRUN_VIRTIOFSD=none take_ms "$sample" "$KTRUN" -q -k "$generic" "$@"
}

plain() { take_ms plain.ms "$KTRUN" -q -- true; }
root() { take_ms root.ms "$KTRUN" -q --host-root -- true; }
plain_python() { take_ms plain.python "$KTRUN" -q -i /usr/bin/python3 -- python3 -c "$imports"; }
root_python() { take_ms root.python "$KTRUN" -q --host-root -- /usr/bin/python3 -c "$imports"; }
plain_9p() { by_9p plain.9p -- true; }
root_9p() { by_9p root.9p --host-root -- true; }
plain_9p_python() { by_9p plain.9p.python -i /usr/bin/python3 -- python3 -c "$imports"; }
root_9p_python() { by_9p root.9p.python --host-root -- /usr/bin/python3 -c "$imports"; }

samplers='plain root plain_python root_python'
[ ! -e "$generic" ] || samplers="$samplers plain_9p root_9p plain_9p_python root_9p_python"
# shellcheck disable=SC2086  # a list of words
in_turns "$(runs 7 2)" $samplers || exit 1
row '--host-root, true, by virtiofs' ms root.ms plain.ms -
row 'python3 that imports two modules, against -i python3' ms root.python plain.python -
[ -e "$generic" ] || { echo "bench: no virtio-9p: there is no $generic (make kernel-generic)" >&2; exit 0; }
row 'true by virtio-9p, on the generic kernel' ms root.9p plain.9p -
row 'python3 by virtio-9p' ms root.9p.python plain.9p.python -
