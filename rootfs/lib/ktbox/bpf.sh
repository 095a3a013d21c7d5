# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: start ktbpf, which keeps the scheduler's BPF programs and maps beyond its death. Parts of the teardown: let it
#        write down what they held, and send that.
#
# In:   ktbox.bpf=SIZE, the bytes of maps that are kept at most.
# Out:  files in BPF_DIR. Without ktbpf the run goes on: the host says that nothing has come.

BPF_SECONDS=30 # for ktbpf to begin, and to write down what it has

bpf() {
	[ -n "$BPF_SIZE" ] || return 0
	BPF_DIR=$RUN_PATH/bpf
	ktbpf -m "$BPF_SIZE" "$BPF_DIR" &
	KTBPF=$!
	await_while_lives "$KTBPF" -t "$BPF_SECONDS" bpf_ready
	[ "$EVENT" = bpf_ready ] && return
	say "bpf: ktbpf is not ready ($EVENT)"
	quietly kill -KILL "$KTBPF"
	KTBPF=
}

# The scheduler is gone, unless it is one that nobody could end.
end_bpf() {
	[ -n "${KTBPF:-}" ] || return 0
	end_process "$KTBPF" "$BPF_SECONDS" || say "bpf: ktbpf ended with status $?"
	KTBPF=
}

send_bpf() {
	[ -n "${KT_PORT_FD:-}" ] && [ -e "${BPF_DIR:-}" ] || return 0
	ktget "$BPF_DIR" || say "bpf: some of the scheduler's programs and maps could not be sent"
}
