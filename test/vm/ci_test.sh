#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# examples/ci: the steps of the action for GitHub and of the job for GitLab, taken out of their files, run in order in
# an empty directory with the real ktrun, without KVM; and the matrix of the scx project's schedulers can be read.
#
# The build is not done anew: the action's `make` finds all built, that of GitLab's job is a stub that links build/.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; scripts are text
. "$KT_TEST_LIB/vm.sh"

CI=$KT_TOP/examples/ci
STEPS=$KT_TOP/test/tools/ci_steps.py

steps() {
	run "$KT_PYTHON" "$STEPS" "$@"
}

# job NAME: its directory, with a matrix of two cells, of which one dies.
job() {
	mkdir -p "$FILES/$1/ci" "$FILES/$1/bin"
	printf '%s\n' "scheduler = good $DEMO" "scheduler = dies $DEMO --error-after 100" 'payload = short sleep 2' \
		'topology = 1,1,1,1' 'memory = 256' "limit = $VM_CEILING" >"$FILES/$1/ci/schedulers.matrix"
	printf '#!/bin/sh\necho "$@" >>"%s/apt"\n' "$FILES/$1" >"$FILES/$1/bin/apt-get"
	cp "$FILES/$1/bin/apt-get" "$FILES/$1/bin/sudo"
	chmod +x "$FILES/$1/bin"/*
}

run_job() { # NAME
	(cd "$FILES/$1" && PATH=$FILES/$1/bin:$PATH KTRUN_ACCEL=tcg GITHUB_STEP_SUMMARY=$FILES/$1/summary.md \
		timeout -k 20 $((4 * VM_CEILING)) sh "$FILES/$1.sh") >"$FILES/$1.out" 2>&1 </dev/null
	echo $? >"$FILES/$1.status"
}

oneTimeSetUp() {
	job github
	"$KT_PYTHON" "$STEPS" action "$CI/action.yml" "github.action_path=$CI" runner.arch=X64 \
		matrix=ci/schedulers.matrix >"$FILES/github.sh"
	echo 'before the action' >"$FILES/github/summary.md"
	run_job github
	job gitlab
	printf '#!/bin/sh\necho "$@" >>"%s/make"\nln -sfn "%s/build" ktbox/build\n' "$FILES/gitlab" "$KT_TOP" >"$FILES/gitlab/bin/make"
	chmod +x "$FILES/gitlab/bin/make"
	"$KT_PYTHON" "$STEPS" gitlab "$CI/gitlab-ci.yml" ktbox "KTBOX=$KT_TOP" >"$FILES/gitlab.sh"
	run_job gitlab
}

# assert_reports DIRECTORY JUNIT PAGE SUMMARY: both cells were run, and one of them died.
assert_reports() {
	assertEquals "2 1" "$(xmllint --nonet --xpath 'concat(count(//testcase), " ", count(//failure))' "$2")"
	assert_matches '<h1>1 of 2 passed</h1>' "$3"
	assert_matches '^### ktrun: matrix: 1 of 2 cells passed, 1 failed$' "$4"
	assert_matches '^\| \*\*0/1\*\* \| `dies` ' "$4"
	assert_matches '"verdict": "sched-died"' "$1/00002/result.json"
	assert_matches '"accel": "tcg"' "$1/00001/result.json"
}

test_the_action_for_github_runs_the_matrix_and_sums_it_up() {
	assertEquals "status: $(tail -n 5 "$FILES/github.out")" 1 "$(cat "$FILES/github.status")"
	assert_reports "$FILES/github/ktbox-results" "$FILES/github/ktbox-results.xml" "$FILES/github/ktbox-results.html" \
		"$FILES/github/summary.md"
	assertEquals 'before the action' "$(head -n 1 "$FILES/github/summary.md")"
}

test_the_kernel_is_cached_by_its_version_where_make_puts_it() {
	assert_matches "^# uses actions/cache@v[0-9]+ ktbox-kernel-X64-1 $CI/\.\./\.\./build/kernel\$" "$FILES/github.sh"
	steps action "$CI/action.yml" "github.action_path=/x" runner.arch=X64 matrix=m kernel-version=7.2
	assert_matches '^# uses actions/cache@v[0-9]+ ktbox-kernel-X64-7\.2 ' out
	assertTrue "a kernel" "[ -e $CI/../../build/kernel/image ]"
	assert_matches 'key: ktbox-kernel-\$KTBOX_KERNEL_VERSION' "$CI/gitlab-ci.yml"
}

test_the_job_for_gitlab_runs_the_matrix_and_keeps_its_artifacts() {
	assertEquals "status: $(tail -n 5 "$FILES/gitlab.out")" 1 "$(cat "$FILES/gitlab.status")"
	assert_reports "$FILES/gitlab/ktbox-results" "$FILES/gitlab/ktbox.xml" "$FILES/gitlab/ktbox.html" \
		"$FILES/gitlab/ktbox.md"
	"$KT_PYTHON" -c 'import sys, yaml
artifacts = yaml.safe_load(open(sys.argv[1]))["ktbox"]["artifacts"]
print("\n".join([*artifacts["paths"], artifacts["reports"]["junit"]]))' "$CI/gitlab-ci.yml" >artifacts
	while read -r path; do assertTrue "$path" "[ -e $FILES/gitlab/$path ]"; done <artifacts
	assert_file_text "-C ktbox need-run all kernel" "$FILES/gitlab/make"
}

test_the_steps_of_a_file_that_lacks_something_are_an_error() {
	steps action "$CI/action.yml" "github.action_path=/x" runner.arch=X64
	assert_status 1
	assert_matches 'the input matrix is required' err
	steps action "$CI/action.yml" matrix=m
	assert_status 1
	steps gitlab "$CI/gitlab-ci.yml" nothing
	assert_status 1
}

# With programs in place of the schedulers, and a QEMU that is none: each cell is started as an ordinary run.
test_the_matrix_of_the_scx_project_is_one() {
	mkdir -p target/ci bin
	cp "$CI/schedulers.matrix" .
	sed -n 's/^scheduler *= *[a-z0-9]* *\(target[^ ]*\).*/\1/p' schedulers.matrix >programs
	assertEquals "schedulers" 11 "$(wc -l <programs)"
	while read -r program; do ln -s "$DEMO" "$program"; done <programs
	printf '#!/bin/sh\nexit 1\n' >bin/qemu
	cp bin/qemu bin/stress-ng
	chmod +x bin/*
	KTRUN_ACCEL=tcg KTRUN_QEMU=$PWD/bin/qemu PATH=$PWD/bin:$PATH run "$KTRUN" --matrix schedulers.matrix -o "$PWD/m"
	assert_status 1
	assertEquals "cells: $(kt_head err)" 22 "$(cut -f 4 m/cells.tsv | wc -l)"
	assertEquals "cells with an outcome" 22 "$(find m -name result.json | wc -l)"
	rm "$(head -n 1 programs)"
	KTRUN_ACCEL=tcg PATH=$PWD/bin:$PATH run "$KTRUN" --matrix schedulers.matrix -o "$PWD/n"
	assert_status 205
	assert_matches 'schedulers.matrix, line [0-9]+: scheduler not found' err
}

. shunit2
