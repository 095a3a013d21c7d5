# Folders of the host in the guest: --ro and --rw.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a large tree need not be packed, and what a payload writes can land on the host at once. In: the
#        values of the options. Out: opt_shares (MODE, host folder and guest folder, a line each),
#        run_share_args (arguments for QEMU, one a line), the guest's /.ktbox/shares. Exit: 205.
# shellcheck disable=SC2015,SC2034,SC2154

take_share() { # OPTION DIR[:GUEST]
	refuse_newline "$@"
	share_host=${2%%:*} share_guest=''
	case $2 in
	*:*:*) die "$1: more than one colon: $2" ;;
	*:*) share_guest=${2#*:} ;;
	esac
	take_path "$1" "$share_host"
	[ -d "$absolute" ] || die "$1: not a folder: $absolute"
	share_host=$(CDPATH='' cd -P -- "$absolute" && pwd -P) || die "$1: not to be entered: $absolute"
	case $share_host in
	*:* | *"$newline"*) die "$1: a colon or a newline in the folder's real path: $share_host" ;;
	esac
	[ "$1" = --ro ] || [ -w "$share_host" ] || die "$1: not writable: $share_host"
	check_share_guest "$1" "${share_guest:-$share_host}"
	opt_shares="$opt_shares${1#--} $share_host:${share_guest:-$share_host}$newline"
}

# What the guest itself stands on must not be covered.
check_share_guest() { # OPTION GUEST
	case $2/ in
	//* | /*//* | */./* | */../* | [!/]* | *[[:cntrl:]:]*) die "$1: not a path for the guest: $2" ;;
	/ | /.ktbox/* | /bin/* | /sbin/* | /lib/* | /lib64/* | /etc/* | /dev/* | /proc/* | /sys/* | /run/* | /tmp/ | \
		/usr/ | /usr/bin/* | /usr/sbin/* | /usr/lib/* | /usr/lib64/* | /include-files/* | /var/ | /var/run/*)
		die "$1: the guest needs its own $2: give another place, DIR:GUEST" ;;
	esac
}

# QEMU holds a read-only share read-only itself. What the guest makes belongs to who runs QEMU.
make_shares() {
	run_share_args='' share_list='' share_number=0
	for_each_line "$opt_shares" make_share
}

make_share() { # "MODE HOST:GUEST"
	share_host=${1#* }
	qemu_escape "${share_host%%:*}"
	share_mode=
	[ "${1%% *}" = rw ] || share_mode=,readonly=on
	run_share_args="$run_share_args-fsdev${newline}local,id=share$share_number,path=$escaped"
	run_share_args="$run_share_args,security_model=none,multidevs=remap$share_mode$newline-device$newline"
	run_share_args="${run_share_args}virtio-9p-pci,fsdev=share$share_number,mount_tag=ktbox$share_number$newline"
	share_list="$share_list${1%% *} ktbox$share_number ${share_host#*:}$newline"
	share_number=$((share_number + 1))
}

stage_shares() {
	[ -z "$share_list" ] || printf %s "$share_list" >"$stage/.ktbox/shares"
}
