/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktbpf: keep a scheduler's BPF programs and maps beyond its death, and write down what they hold.
 *
 * In:   the kernel's uevents. When a scheduler attaches, all programs and maps that were loaded since ktbpf began are
 *       its own, whichever of its processes has loaded them; ktbpf keeps a descriptor of each, so that they outlive it.
 * Out:  when it is gone, in DIR: "programs" and "maps", a line of NAME=VALUE for each, the name last; "map-ID", the
 *       entries of a map, keys and values as they are; "btf-ID", the types that a map names. A later scheduler
 *       replaces them. Latch bpf_ready: what is loaded from now on is noticed.
 *       While ktbpf runs, the kernel counts and times the calls of all programs (BPF_ENABLE_STATS), where it can.
 * Ends: TERM; what is kept then is written down first.
 * Exit: 0; 1 DIR can't be made or written, bad usage.
 *
 * Only maps whose entries bpf(2) can list are read: arrays, hashes, and those of one value per CPU. All map-ID together
 * have at most SIZE bytes, each at most a quarter of that, and all btf-ID together SIZE bytes, too.
 */
//config:config KTBPF
//config:	bool "ktbpf"
//config:	default y
//config:	help
//config:	Keep the BPF programs and maps of a scheduler beyond its death, and
//config:	write down how often they ran and what they hold.

//applet:IF_KTBPF(APPLET(ktbpf, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTBPF) += ktbpf.o

//usage:#define ktbpf_trivial_usage
//usage:       "[-m SIZE] DIR"
//usage:#define ktbpf_full_usage "\n\n"
//usage:       "Write what a scheduler's BPF programs and maps held at its end to DIR, until TERM\n"
//usage:     "\n	-m SIZE	Keep at most SIZE bytes of maps (1048576)"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/syscall.h>
#include "process.h"
#include "run_dir.h"
#include "uevent.h"

enum { POLL_SIGNALS, POLL_UEVENTS, POLL_COUNT };
enum { OBJECTS_MAX = 256, VALUE_ALIGN = 8, SIZE_DEFAULT = 1 << 20, SIZE_LARGEST = 64 << 20 };

struct kind {
	int next_id, fd_by_id;
};

static const struct kind program_kind = { BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID };
static const struct kind map_kind = { BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID };

struct objects {
	const struct kind *kind;
	uint32_t before; /* the newest that was there when ktbpf began */
	unsigned count, left_out;
	int fds[OBJECTS_MAX];
};

struct state {
	struct pollfd fds[POLL_COUNT];
	struct objects programs, maps;
	const char *dir;
	uint32_t size, size_left, btf_left;
	unsigned cpus;
	bool counts, holds, has_written, term_came;
};

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* 0: there is none after ID */
static uint32_t next_id(const struct kind *kind, uint32_t id)
{
	union bpf_attr attr = { .start_id = id };

	return bpf(kind->next_id, &attr) == 0 ? attr.next_id : 0;
}

static int fd_by_id(int command, uint32_t id)
{
	union bpf_attr attr = { .prog_id = id }; /* map_id and btf_id are the same field */

	return bpf(command, &attr);
}

/* What an older kernel does not tell stays 0. */
static bool read_info(int fd, void *info, size_t len)
{
	union bpf_attr attr = { .info = { .bpf_fd = fd, .info_len = len, .info = (uintptr_t)info } };

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0;
}

/* Possible ones: a map has a value for each. The list ends with the last ("0-3"). */
static unsigned count_cpus(void)
{
	char text[64];
	ssize_t len = open_read_close("/sys/devices/system/cpu/possible", text, sizeof(text) - 1);
	ssize_t at = len;

	while (at > 0 && (isdigit(text[at - 1]) || text[at - 1] == '\n'))
		at--;
	text[MAX(len, 0)] = '\0';
	return len > 0 ? strtoul(text + at, NULL, 10) + 1 : 1;
}

static void note_present(struct objects *o, const struct kind *kind)
{
	uint32_t id = 0;

	o->kind = kind;
	while ((id = next_id(kind, id)) != 0)
		o->before = id;
}

static void release(struct objects *o)
{
	while (o->count)
		close(o->fds[--o->count]);
	o->left_out = 0;
}

static void hold(struct objects *o)
{
	uint32_t id = o->before;

	while ((id = next_id(o->kind, id)) != 0) {
		int fd = o->count < OBJECTS_MAX ? fd_by_id(o->kind->fd_by_id, id) : -1;

		if (fd >= 0)
			o->fds[o->count++] = fd;
		else
			o->left_out++;
	}
}

static FILE *create(const struct state *s, const char *kind, uint32_t id)
{
	char *path = xasprintf("%s/%s-%u", s->dir, kind, id);
	FILE *file = xfopen_for_write(path);

	free(path);
	return file;
}

static FILE *create_list(const struct state *s, const char *name, const struct objects *o)
{
	char *path = concat_path_file(s->dir, name);
	FILE *file = xfopen_for_write(path);

	free(path);
	fprintf(file, "left_out=%u counted=%u\n", o->left_out, s->counts);
	return file;
}

static void write_programs(const struct state *s)
{
	FILE *file = create_list(s, "programs", &s->programs);
	unsigned i;

	for (i = 0; i < s->programs.count; i++) {
		struct bpf_prog_info info = { 0 };
		char tag[BPF_TAG_SIZE * 2 + 1];

		if (!read_info(s->programs.fds[i], &info, sizeof(info)))
			continue;
		*bin2hex(tag, (char *)info.tag, BPF_TAG_SIZE) = '\0';
		fprintf(file, "id=%u type=%u tag=%s verified_insns=%u run_cnt=%llu run_time_ns=%llu"
				" recursion_misses=%llu name=%.*s\n", info.id, info.type, tag, info.verified_insns,
				(unsigned long long)info.run_cnt, (unsigned long long)info.run_time_ns,
				(unsigned long long)info.recursion_misses, BPF_OBJ_NAME_LEN, info.name);
	}
	fclose(file);
}

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY
		|| type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_listed(uint32_t type)
{
	return is_per_cpu(type) || type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY
		|| type == BPF_MAP_TYPE_LRU_HASH;
}

static size_t align_up(uint32_t size)
{
	return ((size_t)size + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN;
}

/* The entries of a map, as far as they fit. Returns how many; sets WHY unless these are all. */
static uint32_t write_entries(FILE *file, int fd, const struct bpf_map_info *info, size_t value_len, uint32_t limit,
		const char **why)
{
	char *entry = xzalloc(info->key_size + value_len);
	union bpf_attr attr = { .map_fd = fd, .next_key = (uintptr_t)entry };
	uint32_t count = 0, written = 0;

	while (bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0) {
		union bpf_attr lookup = { .map_fd = fd, .key = (uintptr_t)entry,
			.value = (uintptr_t)(entry + info->key_size) };

		if (limit - written < info->key_size + value_len || count == info->max_entries) {
			*why = "size";
			break;
		}
		if (bpf(BPF_MAP_LOOKUP_ELEM, &lookup) == 0) { /* else it has gone meanwhile */
			written += fwrite(entry, 1, info->key_size + value_len, file);
			count++;
		}
		attr.key = (uintptr_t)entry;
	}
	free(entry);
	return count;
}

static void write_btf(struct state *s, uint32_t id)
{
	struct bpf_btf_info info = { 0 };
	int fd = id ? fd_by_id(BPF_BTF_GET_FD_BY_ID, id) : -1;
	FILE *file;

	if (fd < 0)
		return;
	if (read_info(fd, &info, sizeof(info)) && info.btf_size <= s->btf_left) {
		uint32_t size = info.btf_size;
		char *data = xmalloc(size);

		memset(&info, 0, sizeof(info));
		info.btf = (uintptr_t)data;
		info.btf_size = size;
		if (read_info(fd, &info, sizeof(info))) {
			file = create(s, "btf", id);
			s->btf_left -= fwrite(data, 1, size, file);
			fclose(file);
		}
		free(data);
	}
	close(fd);
}

static void write_map(struct state *s, FILE *list, int fd, uint32_t *last_btf)
{
	struct bpf_map_info info = { 0 };
	const char *why = "type";
	uint32_t count = 0;
	unsigned cpus;

	if (!read_info(fd, &info, sizeof(info)))
		return;
	cpus = is_per_cpu(info.type) ? s->cpus : 0;
	if (is_listed(info.type)) {
		size_t value_len = cpus ? align_up(info.value_size) * cpus : info.value_size;
		FILE *file = create(s, "map", info.id);

		why = "none";
		count = write_entries(file, fd, &info, value_len, MIN(s->size / 4, s->size_left), &why);
		s->size_left -= count * (info.key_size + value_len);
		fclose(file);
		if (info.btf_id != *last_btf)
			write_btf(s, info.btf_id);
		*last_btf = info.btf_id;
	}
	fprintf(list, "id=%u type=%u key_size=%u value_size=%u max_entries=%u cpus=%u btf_id=%u key_type=%u value_type=%u"
			" entries=%u left_out=%s name=%.*s\n", info.id, info.type, info.key_size, info.value_size,
			info.max_entries, cpus, info.btf_id, info.btf_key_type_id, info.btf_value_type_id, count, why,
			BPF_OBJ_NAME_LEN, info.name);
}

static void write_maps(struct state *s)
{
	FILE *list = create_list(s, "maps", &s->maps);
	uint32_t last_btf = 0;
	unsigned i;

	s->size_left = s->btf_left = s->size;
	for (i = 0; i < s->maps.count; i++)
		write_map(s, list, s->maps.fds[i], &last_btf);
	fclose(list);
}

static void take_hold(struct state *s)
{
	release(&s->programs);
	release(&s->maps);
	hold(&s->programs);
	hold(&s->maps);
	s->holds = true;
}

static void write_down(struct state *s)
{
	if (!s->holds)
		return;
	s->holds = false;
	s->has_written = true;
	remove_file(s->dir, FILEUTILS_RECUR | FILEUTILS_FORCE); /* of an earlier scheduler */
	if (mkdir(s->dir, 0700) < 0)
		bb_perror_msg_and_die("unable to make '%s'", s->dir);
	write_programs(s);
	write_maps(s);
	release(&s->programs);
	release(&s->maps);
}

/* Of dropped ones (-1) one may have been that of the attach. What is loaded is known without it. */
static void on_uevents(struct state *s)
{
	char event[KT_UEVENT_MAX];
	ssize_t len;

	while ((len = kt_uevent_next(s->fds[POLL_UEVENTS].fd, event)) > 0) {
		const char *path = kt_uevent_value(event, len, "DEVPATH");
		const char *action = kt_uevent_value(event, len, "ACTION");

		if (!path || !action || strcmp(path, "/kernel/sched_ext/root") != 0)
			continue;
		if (strcmp(action, "add") == 0)
			take_hold(s);
		else if (strcmp(action, "remove") == 0)
			write_down(s);
	}
	if (len < 0 && !s->holds && !s->has_written)
		take_hold(s);
}

static void on_signals(struct state *s)
{
	while (kt_signals_next(s->fds[POLL_SIGNALS].fd) != 0)
		s->term_came = true;
}

static bool count_calls(void)
{
	union bpf_attr attr = { .enable_stats = { .type = BPF_STATS_RUN_TIME } };

	return bpf(BPF_ENABLE_STATS, &attr) >= 0; /* as long as the descriptor is open */
}

int ktbpf_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktbpf_main(int argc UNUSED_PARAM, char **argv)
{
	struct state *s = xzalloc(sizeof(*s));
	char *size = NULL;

	getopt32(argv, "^m:\0=1", &size);
	s->dir = argv[optind];
	s->size = size ? xatou_range(size, 1, SIZE_LARGEST) : SIZE_DEFAULT;
	s->fds[POLL_SIGNALS] = (struct pollfd){ kt_signals_open(SIGTERM, SIGINT, 0), POLLIN, 0 };
	s->fds[POLL_UEVENTS] = (struct pollfd){ kt_uevent_open(), POLLIN, 0 };
	s->cpus = count_cpus();
	s->counts = count_calls();
	note_present(&s->programs, &program_kind);
	note_present(&s->maps, &map_kind);
	kt_daemon_priority();
	kt_latch_set_or_warn("bpf_ready");
	while (!s->term_came) {
		if (poll(s->fds, POLL_COUNT, -1) < 0 && errno != EINTR)
			bb_simple_perror_msg_and_die("unable to poll");
		if (s->fds[POLL_UEVENTS].revents)
			on_uevents(s);
		if (s->fds[POLL_SIGNALS].revents)
			on_signals(s);
	}
	write_down(s);
	return EXIT_SUCCESS;
}
