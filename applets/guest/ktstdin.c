/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktstdin: pass ktrun's stdin to a payload.
 *
 * In:   frames on the port ktbox-ctl: docs/internals/wire.md, "The port ktbox-ctl". Frames of other types, and bytes
 *       that are no frame, are skipped.
 * Out:  the bytes of the stdin frames on stdout, as fast as its reader takes them.
 * Ends: at the empty stdin frame, which is the end of the input; when the host is gone; when the reader of stdout
 *       is gone.
 * Exit: 0; 1 the port can't be used, or bytes came that are no frame, or bad usage.
 */
//config:config KTSTDIN
//config:	bool "ktstdin"
//config:	default y
//config:	help
//config:	Write to stdout what the host's ktrun reads from its stdin.

//applet:IF_KTSTDIN(APPLET(ktstdin, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTSTDIN) += ktstdin.o

//usage:#define ktstdin_trivial_usage
//usage:       "[-p BASE]"
//usage:#define ktstdin_full_usage "\n\n"
//usage:       "Write to stdout what the host's ktrun reads from its stdin\n"
//usage:     "\n	-p BASE	Read BASE.in, not the port ktbox-ctl"

#include <poll.h>
#include "frame_link.h"
#include "process.h"

/* False at the end of the input, and when the reader of stdout is gone. */
static bool pass_on(struct kt_link *link)
{
	struct kt_frame frame;

	while (kt_link_next(link, &frame)) {
		if (frame.tag != KT_STDIN)
			continue;
		if (frame.length == 0)
			return false;
		if (full_write(STDOUT_FILENO, frame.payload, frame.length) != (ssize_t)frame.length)
			return false;
	}
	return true;
}

int ktstdin_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktstdin_main(int argc UNUSED_PARAM, char **argv)
{
	struct kt_link *link = xzalloc(sizeof(*link));
	struct pollfd port = { .events = POLLIN };
	char *base = NULL;

	getopt32(argv, "^p:\0?0", &base);
	kt_link_open_guest(link, base);
	kt_daemon_priority();
	port.fd = link->in;
	do
		safe_poll(&port, 1, -1);
	while (kt_link_fill(link) && pass_on(link));
	if (link->damaged_bytes)
		bb_error_msg_and_die("%llu bytes of the input were lost on the way",
			(unsigned long long)link->damaged_bytes);
	return EXIT_SUCCESS;
}
