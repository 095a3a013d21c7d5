#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-kernel.sh DEST PACKAGE SUITE...: fetch a Debian kernel: DEST/vmlinuz and DEST/config.
# In:   PACKAGE, whose dependencies lead to the newest image; the suites are asked in order, in each archive
#       that this machine's apt uses. Nothing is installed and no root is needed: apt runs with a state of
#       its own in build/apt, a copy of the machine's settings without their hooks.
# Out:  DEST/vmlinuz, DEST/config.
# Exit: 0; 1 no suite had it (apt's words: build/apt/log).

set -eu

dest=${1:?usage: fetch-kernel.sh DEST PACKAGE SUITE...}
package=${2:?}
shift 2
here=$(dirname "$0")
archives=$("$here/archives.sh")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p build/apt
apt=$(cd build/apt && pwd)

prepare_apt() {
	rm -rf "$apt"
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status"
	apt-config dump | grep -v Invoke >"$apt/apt.conf"
	cat >>"$apt/apt.conf" <<-END
		Dir::Etc::Main "/dev/null";
		Dir::Etc::Parts "/dev/null";
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State "$apt/state";
		Dir::State::Status "$apt/status";
		Dir::Cache "$apt/cache";
		Dir::Cache::PkgCache "packages.bin";
		Acquire::Languages "none";
		APT::Sandbox::User "$(id -un)";
	END
	export APT_CONFIG="$apt/apt.conf"
}

update() { # ARCHIVE SUITE
	echo "deb [arch=amd64 signed-by=$keyring] $1 $2 main" >"$apt/sources.list"
	apt-get update --error-on=any >>"$apt/log" 2>&1
}

depends() { # PACKAGE: the names that it depends on
	apt-cache depends "$1" 2>>"$apt/log" | sed -n 's/^ *Depends: \([^<].*\)/\1/p'
}

# PACKAGE depends on linux-image-RELEASE, and that on the packages that hold its parts. Modules are not
# needed.
resolve() {
	image=$(depends "$package" | grep '^linux-image-[0-9]' | head -n 1)
	[ -n "$image" ] || return 1
	release=${image#linux-image-}
	parts=$(depends "$image" | grep -xF -e "linux-base-$release" -e "linux-binary-$release" || :)
}

download() {
	rm -rf "$apt/packages" "$apt/unpacked"
	mkdir "$apt/packages"
	# shellcheck disable=SC2086  # a list of words
	(cd "$apt/packages" && apt-get download "$image" $parts) >>"$apt/log" 2>&1
}

unpack() { # an older layout has /boot/vmlinuz-RELEASE and /boot/config-RELEASE
	for file in "$apt"/packages/*.deb; do
		dpkg-deb -x "$file" "$apt/unpacked"
	done
	find "$apt/unpacked" -type f -name 'vmlinuz*' -exec cp {} "$dest/vmlinuz" \;
	find "$apt/unpacked" -type f \( -path '*/modules/*/config' -o -path '*/boot/config-*' \) \
		-exec cp {} "$dest/config" \;
	[ -s "$dest/vmlinuz" ] && [ -s "$dest/config" ]
}

clean_apt() { # the package lists are large and will be old
	rm -rf "$apt/state" "$apt/cache" "$apt/packages" "$apt/unpacked"
}

prepare_apt
for suite in "$@"; do
	for archive in $archives; do
		if update "$archive" "$suite" && resolve && download && unpack; then
			clean_apt
			exit 0
		fi
	done
done
clean_apt
echo "fetch-kernel: no archive of this machine has a kernel by $package in: $* (log: build/apt/log)" >&2
exit 1
