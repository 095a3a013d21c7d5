/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktport: find a virtio port by the name that the host gave it, for shell.
 *
 * In:   a name as in /sys/class/virtio-ports/PORT/name.
 * Out:  the port's device on stdout: /dev/vport0p1.
 * Ends: when the port is there; it waits for the handshake by event, at most SECS (5).
 * Exit: 0 found; 1 not there in time, or bad usage.
 *
 * /init opens the port once and for all with it: a port has one opener at a time.
 */
//config:config KTPORT
//config:	bool "ktport"
//config:	default y
//config:	help
//config:	Find a virtio port by the name that the host gave it.

//applet:IF_KTPORT(APPLET(ktport, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTPORT) += ktport.o

//usage:#define ktport_trivial_usage
//usage:       "[-t SECS] NAME"
//usage:#define ktport_full_usage "\n\n"
//usage:       "Print the device of the virtio port NAME\n"
//usage:     "\n	-t SECS	Wait for it at most SECS (5)"

#include "port.h"

int ktport_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktport_main(int argc UNUSED_PARAM, char **argv)
{
	int64_t wait_ms = KT_HANDSHAKE_MS;
	char *secs = NULL;
	char *device;

	getopt32(argv, "^t:\0=1", &secs);
	argv += optind;
	if (secs)
		wait_ms = kt_seconds_to_ms(parse_duration_str(secs));
	device = kt_port_find(argv[0], kt_after_ms(wait_ms));
	if (!device)
		bb_perror_msg_and_die("unable to find port '%s'", argv[0]);
	puts(device);
	return EXIT_SUCCESS;
}
