# result.json: ktrun's own keys in front of what ktrecv wrote.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   one file tells the whole outcome to a program. In: verdict*, run_*, $out/result.json. Out:
#        $out/result.json, one key a line, replaced at once. Exit: 205 when it can't be written.
# shellcheck disable=SC2015,SC2034,SC2154

write_result() {
	run_reported=yes
	{ own_keys && decoded_keys; } >"$out/result.json.$$" &&
		mv -f "$out/result.json.$$" "$out/result.json" || die "unable to write $out/result.json"
}

own_keys() {
	json=null
	[ -z "$verdict_reason" ] || json_quote "$verdict_reason"
	printf '{\n  "verdict": "%s",\n  "code": %s,\n  "reason": %s,\n' "$verdict" "$verdict_code" "$json" |
		printable
	printf '  "wall_ms": %s,\n  "accel": "%s",\n  "kernel": ' "$run_wall_ms" "$run_accel"
	json_quote "$run_kernel"
	printf '%s' "$json" | without_controls
	printf ',\n  "kernel_report_count": %s,\n  "kernel_reports": ' "$con_count"
	reports_json
}

decoded_keys() {
	if [ -s "$out/result.json" ]; then
		printf ',\n' && sed 1d "$out/result.json"
	else
		printf '\n}\n'
	fi
}
