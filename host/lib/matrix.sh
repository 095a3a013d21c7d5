# --matrix: kernels x topologies x schedulers x payloads, a VM each, through GNU parallel.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a scheduler that passes once passes on one machine; a matrix asks all of them, repeatedly. In:
#        opt_matrix (see matrix_file.sh), opt_output, opt_junit, opt_report, opt_quiet. KTRUN_PARALLEL: more
#        words for parallel, --sshlogin for example. Out: in the folder: matrix.txt (a copy of the file),
#        cells.tsv, NNNNN.sh (a cell's command), NNNNN/ (its artifacts), NNNNN.err (its summary), joblog; a
#        table on stdout. Exit: 0 all cells have passed; 1 one has not; 205 bad input; 130 interrupted.
#
# A cell is finished when its result.json has a verdict that is not "interrupted": a matrix that was stopped
# goes on with the others when it is started again with the same folder. Descriptor 8 has the folder's lock; parallel
# and the cells inherit it, since they may live on when this process is killed.
# shellcheck disable=SC2015,SC2016,SC2034,SC2154

matrix_overhead_mib=256 # of a QEMU beyond its guest's memory
cell_stop_ms=30000 # for a cell that is asked to end, to stop its QEMU and to tell how far it came

matrix() {
	check_matrix
	make_workplace
	choose_accelerator
	open_matrix
	make_cells
	run_cells
	collect_cells
	if [ -z "$run_stdout_taken" ]; then matrix_table; else matrix_table >&2; fi
	report_matrix
	[ "$(cut -f 6 "$work/rows" | grep -c '^pass$')" -eq "$cell" ] || exit 1
	exit 0
}

check_matrix() {
	command -v parallel >/dev/null || die "--matrix: no program parallel: is the package parallel installed?"
	check_busybox
	read_matrix_file
	opt_kernel=${matrix_kernels%%"$newline"*}
	check_kernel
	check_base
	check_qemu
	check_output
	check_reports
}

open_matrix() {
	mkdir -p "$out" || die "output is not writable: $out"
	if [ -e "$out/matrix.txt" ]; then
		cmp -s "$opt_matrix" "$out/matrix.txt" || die "$out is the folder of another matrix: give a new one with -o"
	else
		cp "$opt_matrix" "$out/matrix.txt" || die "output is not writable: $out"
	fi
	lock_matrix
	: >"$out/cells.tsv"
	cell=0
}

lock_matrix() {
	exec 8>>"$out/lock"
	"$bb" flock -n 8 ||
		die "a matrix, or a cell that a killed one has left behind, is still at work in $out"
}

make_cells() {
	for_each_line "$matrix_kernels" cells_of_kernel
	[ "$cell" -gt 0 ] || die "$opt_matrix: no cell"
}

cells_of_kernel() { # KERNEL
	cell_kernel=$1
	printf %s "$matrix_topologies" >"$work/topologies"
	printf %s "$matrix_schedulers" >"$work/schedulers"
	printf %s "$matrix_payloads" >"$work/payloads"
	while IFS= read -r cell_topology <&5; do
		while IFS= read -r cell_scheduler <&6; do
			while IFS= read -r cell_payload <&7; do
				repeat_cell
			done 7<"$work/payloads"
		done 6<"$work/schedulers"
	done 5<"$work/topologies"
}

repeat_cell() {
	cell_round=0
	while [ "$cell_round" -lt "$matrix_repeat" ]; do
		cell_round=$((cell_round + 1)) cell=$((cell + 1))
		cell_name=$(printf %05d "$cell")
		printf '%s\t%s\t%s\t%s\t%s\n' "$cell_name" "$cell_kernel" "$cell_topology" "${cell_scheduler%% *}" \
			"${cell_payload%%[	 ]*}" >>"$out/cells.tsv"
		cell_command >"$out/$cell_name.sh"
	done
}

# A cell is an ordinary run, and can be run again alone: sh NNNNN.sh
cell_command() {
	set -- "$top/host/ktrun" -o "$out/$cell_name" -k "$cell_kernel" --topology "$cell_topology" \
		-m "$matrix_memory" -t "$matrix_limit"
	if [ "$cell_scheduler" != none ]; then
		cell_words=${cell_scheduler#* }
		set -- "$@" -s "${cell_words%%	*}"
		[ -z "${cell_words#*	}" ] || set -- "$@" -a "${cell_words#*	}"
	fi
	# shellcheck disable=SC2086  # words
	set -- "$@" $matrix_options
	[ "$cell_payload" = none ] || set -- "$@" -- sh -c "${cell_payload#*[	 ]}"
	printf '#!/bin/sh\nKTRUN_ACCEL=%s\nKTRUN_OPTS=\nexport KTRUN_ACCEL KTRUN_OPTS\nexec' "$run_accel"
	for cell_word; do
		shell_quote "$cell_word"
		printf ' %s' "$quoted"
	done
	shell_quote "$out/$cell_name.err"
	printf ' </dev/null >/dev/null 2>%s\n' "$quoted"
}

# As many at once as there is memory for, and CPUs: TCG runs all of a guest's on one of the host's.
count_jobs() {
	jobs_memory=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
	jobs=$((jobs_memory / 1024 / (matrix_memory + matrix_overhead_mib)))
	jobs_cpus=1
	[ "$run_accel" = tcg ] || jobs_cpus=$(printf %s "$matrix_topologies" |
		"$bb" awk -F , '{ n = $1 * $2 * $3 * $4; if (n > most) most = n } END { print most }')
	jobs_most=$(($(nproc) / jobs_cpus))
	[ "$jobs" -le "$jobs_most" ] || jobs=$jobs_most
	[ "$jobs" -ge 1 ] || jobs=1
}

# The list of what is not finished yet goes to parallel; a cell's failure is a result, not an error of it.
run_cells() {
	count_jobs
	while IFS='	' read -r cell_name _; do
		is_finished "$out/$cell_name/result.json" || printf '%s\n' "$out/$cell_name.sh"
	done <"$out/cells.tsv" >"$work/unfinished"
	[ -s "$work/unfinished" ] || return 0
	[ -n "$opt_quiet" ] || note "matrix: $(wc -l <"$work/unfinished") of $cell cells to run, $jobs at once; folder $out"
	set -- --will-cite --termseq "TERM,$cell_stop_ms,KILL,25" -j "$jobs" -a "$work/unfinished" --joblog "+$out/joblog"
	[ ! -t 2 ] || [ -n "$opt_quiet" ] || set -- "$@" --bar
	hold_signals
	# shellcheck disable=SC2086  # words
	parallel "$@" ${KTRUN_PARALLEL:-} sh '{}' 3>&- &
	run_parallel=$!
	release_signals
	wait_for_job "$run_parallel"
	run_parallel=''
}

# Each cell gets TERM, ends its VM and is not finished.
stop_cells() {
	[ -n "$run_parallel" ] || return 0
	kill -s TERM "$run_parallel" 2>/dev/null
	wait_for_job "$run_parallel"
	run_parallel=''
	note "matrix: stopped; the same command goes on with what is left"
}

is_finished() { # RESULT
	[ -s "$1" ] && grep -q '^  "verdict": "[a-z-]*",$' "$1" && ! grep -q '^  "verdict": "interrupted",$' "$1"
}

# $work/rows, a line a cell: name, kernel, topology, scheduler, payload, verdict, milliseconds, reason.
collect_cells() {
	while IFS= read -r cell_line; do
		cell_result=$out/${cell_line%%	*}/result.json
		if is_finished "$cell_result"; then
			"$bb" awk -v cell="$cell_line" "$awk_text"'
				function value(s) { fields(s, F); for (k in F) return F[k] }
				/^  "verdict": / { verdict = value($0) }
				/^  "wall_ms": / { ms = value($0) }
				/^  "reason": / { reason = value($0) }
				END { gsub(/\t/, " ", reason); printf "%s\t%s\t%s\t%s\n", cell, verdict, ms, reason }' "$cell_result"
		else
			printf '%s\tnot-run\t0\t%s\n' "$cell_line" "$(head -n 1 "$out/${cell_line%%	*}.err" 2>/dev/null | printable)"
		fi
	done <"$out/cells.tsv" >"$work/rows"
}

# A row for the repeats of a cell, in the order of the file: kernel (without the folder that all kernels
# share), topology, scheduler, payload, passed, all, mean milliseconds, the other verdicts, the folder and the
# reason of the first that did not pass.
matrix_rows() {
	"$bb" awk -F '\t' '
		{
			if (NR == 1) folder = $2
			while (index($2, folder) != 1 || folder !~ /\/$/) sub(/[^\/]*\/?$/, "", folder)
			key = $2 "\t" $3 "\t" $4 "\t" $5
			if (!(key in all)) order[++rows] = key
			all[key]++; ms[key] += $7
			if ($6 == "pass") { passed[key]++; next }
			if (!((key, $6) in other)) kinds[key] = kinds[key] (kinds[key] == "" ? "" : " ") $6
			other[key, $6]++
			if (!(key in first)) first[key] = $1 "\t" $8
		}
		END {
			for (i = 1; i <= rows; i++) {
				key = order[i]
				said = ""
				count = split(kinds[key], kind, " ")
				for (k = 1; k <= count; k++) said = said (k == 1 ? "" : ", ") other[key, kind[k]] " " kind[k]
				printf "%s\t%d\t%d\t%d\t%s\t%s\n", substr(key, length(folder) + 1), passed[key], \
					all[key], ms[key] / all[key], said, ((key in first) ? first[key] : "\t")
			}
		}' "$work/rows"
}

matrix_table() {
	matrix_rows >"$work/table"
	"$bb" awk -F '\t' '
		BEGIN { format = "%-24s %-12s %-14s %-14s %11s %9s  %s\n"
			printf format, "KERNEL", "TOPOLOGY", "SCHEDULER", "PAYLOAD", "PASSED", "MEAN", "OTHERWISE" }
		{ printf format, $1, $2, $3, $4, $5 "/" $6 " " int(100 * $5 / $6) "%", sprintf("%.2f s", $7 / 1000), \
				$8 ($9 == "" ? "" : ", first " $9) }' "$work/table" | printable
	printf 'matrix: %s of %s cells passed; folder %s\n' \
		"$(cut -f 6 "$work/rows" | grep -c '^pass$')" "$cell" "$(printf %s "$out" | without_controls)"
}

report_matrix() {
	write_report --junit "$opt_junit" matrix_junit
	write_report --report "$opt_report" matrix_page
}

matrix_junit() {
	"$bb" awk -F '\t' "$awk_text"'
		{ lines[NR] = $0; if ($6 != "pass") failed++ }
		END {
			print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
			printf "<testsuites name=\"ktrun-matrix\" tests=\"%d\" failures=\"%d\">\n", NR, failed
			printf "<testsuite name=\"ktrun-matrix\" tests=\"%d\" failures=\"%d\">\n", NR, failed
			for (i = 1; i <= NR; i++) {
				split(lines[i], F, "\t")
				printf "<testcase classname=\"%s\" name=\"%s\" time=\"%.3f\">", xml(F[2] " " F[3]), \
					xml(F[4] " " F[5] " " F[1]), F[7] / 1000
				if (F[6] != "pass") printf "<failure type=\"%s\" message=\"%s\"/>", xml(F[6]), xml(F[8])
				print "</testcase>"
			}
			print "</testsuite>\n</testsuites>"
		}' "$work/rows"
}

matrix_page() {
	matrix_passed=$(cut -f 6 "$work/rows" | grep -c '^pass$')
	matrix_tone=bad
	[ "$matrix_passed" -ne "$cell" ] || matrix_tone=good
	page_head "ktrun matrix: $matrix_passed of $cell passed"
	printf '<header class="%s">\n<p class="kicker">Matrix of ktrun</p>\n' "$matrix_tone"
	printf '<h1>%s of %s passed</h1>\n</header>\n<section>\n<h2>Cells</h2>\n' "$matrix_passed" "$cell"
	printf '<div class="scroll"><table class="cells"><thead><tr><th>Passed</th><th>Scheduler</th><th>Payload</th>'
	printf '<th>Topology</th><th>Kernel</th><th>Mean time</th><th>Otherwise</th></tr></thead><tbody>\n'
	"$bb" awk -F '\t' "$awk_text"'{
		printf "<tr><td><span class=\"pill %s\">%d/%d %d%%</span></td>", ($5 == $6 ? "good" : $5 ? "warn" : "bad"), \
			$5, $6, 100 * $5 / $6
		printf "<td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%.2f s</td>", xml($3), xml($4), xml($2), xml($1), $7 / 1000
		printf "<td class=\"message\">%s <span class=\"dim\">%s %s</span></td></tr>\n", xml($8), xml($9), xml($10)
	}' "$work/table"
	printf '</tbody></table></div>\n</section>\n'
	page_foot
}
