#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lint.sh [--changed]: check the shell and the Python of the tree.
#   Shell scripts (*.sh, and files whose first line names a shell): shellcheck, as POSIX sh.
#   Python of the launcher and of the tests' tools (host/, test/tools/): mypy --strict. All other Python: compiled.
#   The width of lines: of this Python, and of shell scripts outside test/.
# In:   the directories named below; with --changed only those of their files that differ from the upstream branch
#       or are not committed. Where git has no upstream, that is what is not committed; without git, all files.
# Out:  the findings; a line for each tool that found none.
# Exit: 0 no findings; 1 some.

set -eu

DIRECTORIES='.ci bench host rootfs scripts test examples'
PYTHON_VERSION=3.9 # the oldest that is supported
WIDTH=120          # columns, as .editorconfig says

all_files() {
	# shellcheck disable=SC2086  # a list of words: the tree has no names with spaces
	find $DIRECTORIES -type f | LC_ALL=C sort
}

changed_files() {
	git rev-parse --git-dir >/dev/null 2>&1 || { all_files && return; }
	base=$(git merge-base HEAD '@{upstream}' 2>/dev/null) || base=HEAD
	# shellcheck disable=SC2086
	{
		git diff --name-only --diff-filter=d "$base" -- $DIRECTORIES
		git ls-files --others --exclude-standard -- $DIRECTORIES
	} | LC_ALL=C sort -u
}

first_line_names() { # FILE ERE: of an interpreter
	head -n 1 "$1" | LC_ALL=C grep -aqE "^#!.*[ /]($2)( |\$)"
}

# kind FILE: prints sh, typed (Python that mypy checks), python, or nothing.
kind() {
	case $1 in
	*.sh) echo sh ;;
	host/*.py | test/tools/*.py) echo typed ;;
	*.py) echo python ;;
	*)
		if first_line_names "$1" '(ba|da|a)?sh'; then echo sh; fi
		if first_line_names "$1" 'python3'; then echo python; fi
		;;
	esac
}

of_kind() { # KIND: the files of this kind
	printf '%s\n' "$files" | while read -r file; do
		if [ -f "$file" ] && [ ! -L "$file" ] && [ "$(kind "$file")" = "$1" ]; then echo "$file"; fi
	done
}

# The checks return after a finding by themselves: set -e is off where their status is asked for.
no_findings() { # WHAT FILE...
	what=$1
	shift
	echo "lint: $# $what, no findings"
}

# A file that another one reads is followed where its path is known (SC1091: not followed, is no finding).
check_shell() { # FILE...
	[ $# -gt 0 ] || return 0
	shellcheck -s sh -x -e SC1091 "$@" || return
	no_findings "shell scripts" "$@"
}

# Modules that import each other are found in their own directory.
check_types() { # FILE...
	[ $# -gt 0 ] || return 0
	MYPYPATH=host:test/tools mypy --strict --no-error-summary --python-version "$PYTHON_VERSION" \
		--cache-dir build/mypy "$@" || return
	no_findings "Python files of mypy" "$@"
}

check_width() { # FILE...
	[ $# -gt 0 ] || return 0
	awk -v most="$WIDTH" 'length > most { printf "%s:%d: %d columns, not %d\n", FILENAME, FNR, length, most; wide = 1 }
		END { exit wide }' "$@" || return
}

check_python() { # FILE...
	[ $# -gt 0 ] || return 0
	python3 -c 'import sys
for name in sys.argv[1:]:
    compile(open(name, encoding="utf-8").read(), name, "exec")' "$@" || return
	no_findings "other Python files" "$@"
}

case ${1:-} in
'') files=$(all_files) ;;
--changed) files=$(changed_files) ;;
*) echo "usage: lint.sh [--changed]" >&2 && exit 1 ;;
esac
failed=0
# shellcheck disable=SC2046  # lists of words
{
	check_shell $(of_kind sh) || failed=1
	check_types $(of_kind typed) || failed=1
	check_width $(of_kind typed) $(of_kind sh | grep -v '^test/') || failed=1
	check_python $(of_kind python) || failed=1
}
exit "$failed"
