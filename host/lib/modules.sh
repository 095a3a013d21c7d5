# The kernel modules that the guest needs before it can be talked to, and for shared folders.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a distribution's kernel has drivers as modules, and the initramfs is all that the guest has.
#        Dependencies are read from the modules themselves, so no depmod need have run.
# In:    opt_modules (--modules DIR, else a folder `modules` beside the kernel, the folder that the kernel
#        lies in, or /lib/modules/RELEASE), opt_shares. Out: $stage/.ktbox/modules, the names in the order
#        in which they are loaded, and $stage/.ktbox/modules.d/. Exit: 205 when one is missing.
# shellcheck disable=SC2015,SC2034,SC2154

modules_base='virtio_pci virtio_console' # the ports
modules_share='9pnet_virtio 9p'

stage_modules() {
	find_modules
	modules_list='' modules_names=''
	if [ -n "$run_modules" ]; then
		list_modules
		for module in $modules_base; do want_module "$module"; done
	else
		check_base_config
	fi
	[ -z "$opt_shares" ] || want_share_modules
	[ -z "$modules_names" ] || printf '%s\n' "$modules_names" | sed '/^$/d' >"$stage/.ktbox/modules"
}

# Sets $run_modules; empty: none are known.
find_modules() {
	run_modules=$opt_modules
	[ -z "$run_modules" ] || return 0
	modules_near=${run_kernel%/*}
	if [ -d "$modules_near/modules/kernel" ]; then run_modules=$modules_near/modules
	elif [ -d "$modules_near/kernel" ] && [ -e "$modules_near/modules.builtin" ]; then run_modules=$modules_near
	elif read_release && [ -d "/lib/modules/$run_release/kernel" ]; then run_modules=/lib/modules/$run_release
	fi
}

# Sets $run_release, for a bzImage: its header points to the text.
read_release() {
	run_release=''
	[ "$run_kernel_type" = bzimage ] || return 1
	release_at=$(od -An -tu2 -j526 -N2 -- "$run_kernel" | tr -d ' ')
	run_release=$(tail -c +$((release_at + 513)) -- "$run_kernel" | head -c 128 |
		cut -d ' ' -f 1 | tr '\000' '\n' | head -n 1)
	case $run_release in
	'' | *[!0-9A-Za-z.+_~-]*) return 1 ;;
	esac
}

check_modules_folder() {
	[ -z "$opt_modules" ] || [ -d "$opt_modules/kernel" ] ||
		die "--modules: not a folder of modules, such as /lib/modules/VERSION: $opt_modules"
}

list_modules() {
	find -L "$run_modules/kernel" -name '*.ko*' >"$work/modules.files" 2>"$work/modules.err"
	: >"$work/modules.builtin"
	[ ! -r "$run_modules/modules.builtin" ] || cat "$run_modules/modules.builtin" >"$work/modules.builtin"
	mkdir -p "$stage/.ktbox/modules.d"
}

# Without modules, the configuration beside the kernel may tell that it can't do without them.
check_base_config() {
	modules_config=${run_kernel%/*}/config
	[ -r "$modules_config" ] || return 0
	modules_bad=$(grep -E -m 1 '^CONFIG_VIRTIO_(PCI|CONSOLE)=m' "$modules_config") || return 0
	die "the kernel has $modules_bad, and its modules are not known: give their folder with --modules"
}

want_share_modules() {
	if [ -n "$run_modules" ]; then
		for module in $modules_share; do want_module "$module" --ro/--rw; done
		return
	fi
	modules_config=${run_kernel%/*}/config
	[ -r "$modules_config" ] || return 0 # the guest will say it
	for module in CONFIG_NET_9P_VIRTIO CONFIG_9P_FS; do
		! grep -q "^$module=y" "$modules_config" || continue
		grep -q "^$module=m" "$modules_config" || die "--ro/--rw: the kernel lacks $module (virtio-9p): $run_kernel"
		die "--ro/--rw: the kernel has $module as a module: give its modules with --modules"
	done
}

# It and all that it depends on, those first. Each round loads one or puts what it needs in front of it.
want_module() { # NAME [OPTION that needs it]
	modules_todo=$1 modules_depth=0
	while [ -n "$modules_todo" ]; do
		module_name=${modules_todo%% *}
		module_rest=${modules_todo#"$module_name"}
		modules_todo=${module_rest# }
		is_wanted "$module_name" || is_builtin "$module_name" || add_module "$module_name" "${2:-}"
	done
}

is_wanted() { # NAME
	case $newline$modules_names$newline in
	*"$newline$1$newline"*) return 0 ;;
	esac
	return 1
}

# The two ways to write a name, - and _, are the same.
module_pattern() { # NAME
	pattern=/$(printf %s "$1" | sed 's/[-_]/[-_]/g')'\.ko\(\.[gx]z\|\.zst\)\?$'
}

is_builtin() { # NAME
	module_pattern "$1"
	grep -q -e "$pattern" "$work/modules.builtin"
}

add_module() { # NAME OPTION
	module_file=$stage/.ktbox/modules.d/$1.ko
	[ -e "$module_file" ] || unpack_module "$@"
	module_needs=$(tr '\000' '\n' <"$module_file" | sed -n 's/^depends=//p' | head -n 1 | tr ',' ' ')
	module_missing=''
	for module_need in $module_needs; do
		is_wanted "$module_need" || is_builtin "$module_need" || module_missing="$module_missing$module_need "
	done
	if [ -n "$module_missing" ]; then
		modules_todo="$module_missing$1 $modules_todo"
		modules_depth=$((modules_depth + 1))
		[ "$modules_depth" -lt 200 ] || die "the modules in $run_modules depend on one another in a circle: $1"
	else
		modules_names=$modules_names$newline$1
	fi
}

unpack_module() { # NAME OPTION
	module_pattern "$1"
	module_source=$(grep -m 1 -e "$pattern" "$work/modules.files") ||
		die "${2:+$2: }the kernel's module $1 is neither built in nor in $run_modules"
	case $module_source in
	*.xz) xz -dc -- "$module_source" ;;
	*.zst) zstd -qdc -- "$module_source" ;;
	*.gz) gzip -dc -- "$module_source" ;;
	*) cat -- "$module_source" ;;
	esac >"$module_file" 2>"$work/modules.err" ||
		die "unable to unpack $module_source: $(head -n 1 "$work/modules.err")"
}
