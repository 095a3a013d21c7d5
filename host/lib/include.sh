# What -i brings: files, folders, and commands by their bare names.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   an include is named as it is typed at a shell, and what can't work in the guest is told before
#        anything starts. In: the values of -i, PATH. Out: opt_includes (paths, one a line). Exit: 205.
# shellcheck disable=SC2015,SC2034,SC2154

# What lies in the current folder wins over a command of the same name.
take_include() { # OPTION VALUE
	take_path "$@"
	refuse_newline "$@"
	case $2 in
	*/*) ;;
	*) [ -e "$absolute" ] || [ -h "$absolute" ] || find_command "$2" ;;
	esac
	opt_includes=$opt_includes$absolute$newline
}

# Sets $absolute to the program that a shell would run; not by `command -v`, which knows builtins.
find_command() { # NAME
	IFS=:
	# shellcheck disable=SC2086
	set -- "$1" $PATH
	unset IFS
	find_name=$1
	shift
	for find_folder in "$@"; do
		make_absolute "${find_folder:-.}/$find_name"
		[ ! -f "$absolute" ] || [ ! -x "$absolute" ] || return 0
	done
	die "include not found: $find_name is neither a file here nor a command in PATH"
}

# A folder is looked through for links that lead nowhere (under -L a link keeps its type only then), loops and
# closed folders, which find complains about. A file that can't be read is found when it is packed.
check_include() { # PATH
	[ -e "$1" ] || die "include not found: $1"
	[ -r "$1" ] || die "include is not readable: $1"
	if [ ! -d "$1" ]; then
		check_include_machine "$1"
		return
	fi
	[ "$(CDPATH='' cd -P -- "$1" && pwd -P)" != / ] || die "unable to include the whole file system: $1"
	include_bad=$(find -L "$1" -type l -print 2>&1 | head -n 1)
	[ -z "$include_bad" ] || die "include is not readable: $include_bad"
}

# Programs and shared objects of the guest's machine; what else is an ELF file (a BPF object) is data. In a
# folder a program may be data too.
check_include_machine() { # PATH
	[ -f "$1" ] || die "include is neither a file nor a folder: $1"
	# shellcheck disable=SC2046
	set -- "$1" $(od -An -v -tx1 -N20 -- "$1") 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
	case $2$3$4$5/${18}${19}/${20}${21} in
	7f454c46/0[23]00/"$arch_elf" | 7f454c46/0[23]00/"$arch_elf_32") ;;
	7f454c46/0[23]00/*) die "include is a program for another architecture (not $arch_name): $1" ;;
	esac
}
