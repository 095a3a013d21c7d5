#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh PREFIX VERSION: install ktbox under PREFIX. install.sh -u PREFIX: uninstall it.
# In:   what `make all man` has built; DESTDIR, a directory in front of PREFIX for a package build, may be empty.
# Out:  PREFIX/bin/ktrun and ktrecv, PREFIX/lib/ktbox (the built files, host/, scripts/, version), share/man/man1,
#       share/bash-completion/completions/ktrun, share/doc/ktbox. lib/ktbox/installed lists all files; -u removes
#       them, and the directories that only ktbox uses.
# Exit: 0; 1.

set -eu

uninstall=
if [ "${1-}" = -u ]; then
	uninstall=yes
	shift
fi
prefix=${1:?usage: install.sh [-u] PREFIX [VERSION]}
root=${DESTDIR:-}$prefix
list=$root/lib/ktbox/installed

check_prefix() { # a relative path would depend on where make was called
	case $root in
	*/../* | */..) ;;
	/*) return ;;
	esac
	echo "install.sh: PREFIX and DESTDIR must be an absolute path without ..: $root" >&2
	exit 1
}

put() { # MODE FILE TARGET, relative to the prefix
	mkdir -p "$root/$(dirname "$3")"
	install -m "$1" "$2" "$root/$3"
	echo "$3" >>"$list"
}

put_programs() { # the link is relative, so that the tree can be moved
	mkdir -p "$root/bin"
	ln -sfn ../lib/ktbox/host/ktrun "$root/bin/ktrun"
	ln -sfn ../lib/ktbox/busybox "$root/bin/ktrecv" # it is an applet, which goes by its name
	printf 'bin/%s\n' ktrun ktrecv >>"$list"
}

compile_launcher() { # an installed ktrun writes nothing beside itself, so that Python can keep no compiled copy there
	/usr/bin/python3 -I -m compileall -q --invalidation-mode checked-hash -s "$root" -p "$prefix" \
		"$root/lib/ktbox/host/launcher"
	(cd "$root" && find lib/ktbox/host -name '*.pyc' | LC_ALL=C sort) >>"$list"
}

put_host() {
	put 755 host/ktrun lib/ktbox/host/ktrun
	for file in $(find host/launcher -type f -name '*.py' -o -name '*.css' | LC_ALL=C sort); do
		put 644 "$file" "lib/ktbox/$file"
	done
	compile_launcher
	for file in apt-state archives extract-vmlinux fetch-kernel fetch-release has-pvh-entry kernel-image list-kernels; do
		put 755 "scripts/$file.sh" "lib/ktbox/scripts/$file.sh"
	done
	put 755 build/busybox lib/ktbox/busybox
	put 644 build/initramfs.cpio lib/ktbox/initramfs.cpio
	[ ! -e build/aarch64/initramfs.cpio ] ||
		put 644 build/aarch64/initramfs.cpio lib/ktbox/aarch64/initramfs.cpio
}

put_documents() {
	for file in build/man/*.1; do put 644 "$file" "share/man/man1/${file##*/}"; done
	for file in README.md $(find docs -type f ! -path "docs/man/*" | LC_ALL=C sort); do
		put 644 "$file" "share/doc/ktbox/$file"
	done
	put 644 LICENSE share/doc/ktbox/copyright
	put 644 host/ktrun.bash-completion share/bash-completion/completions/ktrun
}

put_version() { # last: the file tells ktrun that it is installed
	echo "$1" >"$root/lib/ktbox/version"
	chmod 644 "$root/lib/ktbox/version"
	echo lib/ktbox/version >>"$list"
}

report() { # VERSION
	echo "ktbox $1 is installed under $root: $(wc -l <"$list") files, of which bin/ktrun and bin/ktrecv are the commands"
	while read -r program package purpose; do
		command -v "$program" >/dev/null 2>&1 || echo "missing: $program (Debian package $package), for $purpose"
	done <<-END
		qemu-system-x86_64 qemu-system-x86 each run
		modprobe kmod kernels that have what ktbox needs as modules
		parallel parallel --matrix
		apt-get apt -k VERSION, which fetches a kernel
		zstd zstd -k VERSION: a kernel that boots without being unpacked
		readelf binutils -k VERSION: the same
	END
	[ -n "${KTRUN_KERNEL:-}" ] ||
		echo "missing: a kernel with sched_ext, which ktrun takes from -k FILE or from the variable KTRUN_KERNEL;" \
			"ktrun --kernels lists those that -k VERSION fetches"
}

remove() {
	[ -e "$list" ] || {
		echo "install.sh: ktbox is not installed under $root: no $list" >&2
		exit 1
	}
	while IFS= read -r file; do rm -f "$root/$file"; done <"$list"
	rm -f "$list"
	find "$root/lib/ktbox" "$root/share/doc/ktbox" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
}

check_prefix
umask 022
if [ -n "$uninstall" ]; then
	remove
else
	[ ! -e "$list" ] || remove # another version may have other files
	mkdir -p "$root/lib/ktbox"
	: >"$list"
	put_programs
	put_host
	put_documents
	put_version "${2:?}"
	report "$2"
fi
