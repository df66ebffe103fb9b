/*
 * kdock-agent — runs commands in the guest for the host, over the virtio-serial port "io.kdock.agent".
 *
 * Both directions carry frames: type u8, flags u8 (0), id u16, length u32, payload (at most 64 KiB); little endian.
 * kdock's frames.ts is the other end and describes each payload.
 *
 * A connection begins with the host's HELLO, which ends whatever an earlier connection left running and is answered
 * with its nonce. That answer, not the port's state, tells the host that it may begin: while the guest stands at a
 * breakpoint hosts come and go, and both ends may find half a frame of a former connection in the pipe.
 *
 * The host at the other end is images/vm/guest-mux.pl, which shares the connection among several clients.
 * It asks with PING, which is answered as HELLO is and ends nothing, and ends a single command with HANG_UP. A
 * client that does not read must not block the others: a command's output waits, beyond OUT_WINDOW bytes, for an OUT_ACK.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { HELLO = 1, EXEC, STDIN, SIGNAL, RESIZE, POWEROFF, PING, HANG_UP, OUT_ACK };
enum { R_HELLO = 129, R_STDOUT, R_STDERR, R_EXIT, R_ERROR, R_STDIN_ACK };

#define PORT_NAME "io.kdock.agent"
#define HELLO_MAGIC "kdock hello\n"
#define DEFAULT_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	PROTOCOL_VERSION = 2,
	HEADER = 8,
	MAX_PAYLOAD = 65536,
	STDIN_WINDOW = 256 << 10, /* what the host may send before it is acknowledged, per command */
	OUT_WINDOW = 1 << 20,  /* what we may send before it is acknowledged, per command */
	MAX_COMMANDS = 256,    /* three descriptors each: well below the 1024 that a process may have */
	HUP_GRACE_MS = 50,     /* a host gone for less may be one that has come back already */
	KILL_GRACE_MS = 2000,  /* between SIGHUP and SIGKILL */
	DRAIN_MAX = 1 << 20,   /* read from a pipe after its command ended: no pipe holds more */
	OUT_STOP = 256 << 10,  /* queued for the host: more than this, and no command is read from */
	IN_STOP = 384 << 10,   /* ... and more than this, and the host is not listened to either */
	OUT_SIZE = 512 << 10,
};

enum { IN, OUT, ERR };

struct command {
	uint16_t id;
	pid_t pid;        /* leads a session and process group of its own */
	int fd[3];        /* our ends; -1 when closed */
	int tty;
	int status;
	char exited, orphan, killed;
	long long kill_at;
	int in_eof, in_at, in_len, ack;
	int out_room;     /* of OUT_WINDOW */
	int drain_left;
	char in[STDIN_WINDOW + 1];  /* the end-of-file character of a tty needs room too */
};

static struct command *commands[MAX_COMMANDS];
static int port, signals;
static enum { DOWN, UP, LOST } link_state;
static long long lost_until;
static uint8_t in_buf[HEADER + MAX_PAYLOAD + 8192], out_buf[OUT_SIZE];
static size_t in_len, out_head, out_len;
static sigset_t no_signals;

static uint16_t get16(const uint8_t *p) { return p[0] | p[1] << 8; }
static uint32_t get32(const uint8_t *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }
static void put16(uint8_t *p, uint16_t v) { p[0] = v; p[1] = v >> 8; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v); put16(p + 2, v >> 16); }

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- to the host ---- */

/* Room for a frame at the end of the queue; the payload goes behind the header. */
static uint8_t *reserve(size_t payload)
{
	if (out_head + out_len + HEADER + payload > OUT_SIZE) {
		memmove(out_buf, out_buf + out_head, out_len);
		out_head = 0;
	}
	if (out_len + HEADER + payload > OUT_SIZE)
		abort(); /* OUT_STOP and IN_STOP leave enough room */
	return out_buf + out_head + out_len;
}

static void commit(int type, uint16_t id, uint32_t payload)
{
	uint8_t *header = out_buf + out_head + out_len;

	header[0] = type;
	header[1] = 0;
	put16(header + 2, id);
	put32(header + 4, payload);
	out_len += HEADER + payload;
}

static void send_frame(int type, uint16_t id, const void *payload, uint32_t len)
{
	memcpy(reserve(len) + HEADER, payload, len);
	commit(type, id, len);
}

static void send_hello(uint32_t nonce)
{
	struct utsname name;
	uint8_t payload[12 + sizeof name.release];

	uname(&name);
	put32(payload, PROTOCOL_VERSION);
	put32(payload + 4, nonce);
	put32(payload + 8, now_ms());
	memcpy(payload + 12, name.release, strlen(name.release));
	send_frame(R_HELLO, 0, payload, 12 + strlen(name.release));
}

static void send_exit(uint16_t id, int kind, int code)
{
	uint8_t payload[] = { kind, code };

	send_frame(R_EXIT, id, payload, sizeof payload);
}

static void refuse(uint16_t id, const char *what, const char *why, int code)
{
	char text[512];
	int len = snprintf(text, sizeof text, "%.255s: %s", what, why);

	send_frame(R_ERROR, id, text, len);
	send_exit(id, 0, code);
}

static void flush_out(void)
{
	while (out_len > 0) {
		ssize_t n = write(port, out_buf + out_head, out_len);

		if (n <= 0)
			return; /* full, or not connected: poll and SIGIO tell when that changes */
		out_head += n;
		out_len -= n;
	}
	out_head = 0;
}

/* ---- commands ---- */

static struct command *find(uint16_t id)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i] && commands[i]->id == id && !commands[i]->orphan)
			return commands[i];
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The host that wanted this command is gone, or wants to begin anew. */
static void hang_up(struct command *c)
{
	kill(-c->pid, SIGHUP);
	kill(-c->pid, SIGCONT);
	/* Its outputs stay open, unread: a shell that is to tidy up says "Hangup" first, and must not die of saying so. */
	for (int i = IN; i <= (c->tty ? ERR : IN); i++)
		close_fd(&c->fd[i]);
	c->orphan = 1;
	c->kill_at = now_ms() + KILL_GRACE_MS;
}

static void reset(void)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i] && !commands[i]->orphan)
			hang_up(commands[i]);
	out_head = out_len = 0;
}

struct failure { int at_chdir, error; };

/* In the child. Whatever fails before the command runs goes up the pipe, which a successful exec closes. */
static void become(char **argv, char **env, const char *cwd, const int fd[3], int tty, int up)
{
	struct failure failure = { 0, 0 };

	setsid();
	if (tty)
		ioctl(fd[IN], TIOCSCTTY, 0);
	for (int i = IN; i <= ERR; i++)
		dup2(fd[i], i);
	sigprocmask(SIG_SETMASK, &no_signals, NULL);
	/* A shell that starts something in the background makes it ignore SIGINT. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	environ = env;
	setenv("PATH", DEFAULT_PATH, 0);
	setenv("HOME", "/root", 0);
	failure.at_chdir = chdir(*cwd ? cwd : getenv("HOME")) < 0;
	if (!failure.at_chdir)
		execvp(argv[0], argv);
	failure.error = errno;
	if (write(up, &failure, sizeof failure) < 0)
		_exit(126);
	_exit(127);
}

/* theirs[] are the command's ends, ours[] the agent's. */
static int open_ends(int tty, const struct winsize *size, int theirs[3], int ours[3])
{
	int pair[2];

	if (tty) {
		if (openpty(&pair[0], &pair[1], NULL, NULL, size) < 0)
			return -1;
		fcntl(pair[0], F_SETFD, FD_CLOEXEC);
		fcntl(pair[1], F_SETFD, FD_CLOEXEC);
		ours[OUT] = pair[0];
		ours[IN] = fcntl(pair[0], F_DUPFD_CLOEXEC, 3);
		theirs[IN] = pair[1];
		theirs[OUT] = theirs[ERR] = fcntl(pair[1], F_DUPFD_CLOEXEC, 3);
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		return ours[IN] < 0 || theirs[OUT] < 0 ? -1 : 0;
	}
	for (int i = IN; i <= ERR; i++) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -1;
		theirs[i] = pair[i == IN ? 0 : 1];
		ours[i] = pair[i == IN ? 1 : 0];
		fcntl(ours[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static void start(uint16_t id, char **argv, char **env, const char *cwd, int tty, const struct winsize *size)
{
	int theirs[3] = { -1, -1, -1 }, up[2] = { -1, -1 }, slot = 0;
	struct command *c = calloc(1, sizeof *c);
	struct failure failure;

	while (slot < MAX_COMMANDS && commands[slot])
		slot++;
	if (!c || slot == MAX_COMMANDS) {
		free(c);
		refuse(id, argv[0], "too many commands at once", 126);
		return;
	}
	*c = (struct command){ .id = id, .tty = tty, .fd = { -1, -1, -1 }, .out_room = OUT_WINDOW, .drain_left = DRAIN_MAX };
	if (open_ends(tty, size, theirs, c->fd) < 0 || pipe2(up, O_CLOEXEC) < 0 || (c->pid = fork()) < 0) {
		refuse(id, argv[0], strerror(errno), 126);
		goto fail;
	}
	if (c->pid == 0)
		become(argv, env, cwd, theirs, tty, up[1]);

	close_fd(&up[1]);
	if (read(up[0], &failure, sizeof failure) == sizeof failure) {
		refuse(id, failure.at_chdir ? cwd : argv[0], strerror(failure.error),
		       !failure.at_chdir && failure.error == ENOENT ? 127 : 126);
		goto fail;
	}
	commands[slot] = c;
	c = NULL;
fail:
	for (int i = IN; i <= ERR; i++) {
		/* stdout and stderr of a tty are one descriptor */
		if (i != ERR || theirs[ERR] != theirs[OUT])
			close_fd(&theirs[i]);
		if (c)
			close_fd(&c->fd[i]);
	}
	close_fd(&up[0]);
	close_fd(&up[1]);
	free(c);
}

/* flags u8, rows u16, columns u16, argc u16, envc u16, then argv..., env... and the folder, each ended by NUL */
static void exec_request(uint16_t id, uint8_t *p, uint32_t len)
{
	struct winsize size = { 0 };
	unsigned argc, envc, n = 0;
	char **strings, *s = (char *)p + 9, *end = (char *)p + len;

	argc = len >= 9 ? get16(p + 5) : 0;
	envc = len >= 9 ? get16(p + 7) : 0;
	strings = calloc(argc + envc + 3, sizeof *strings);
	/* argv and env each keep a NULL behind them; the folder comes last */
	for (; strings && argc > 0 && s < end && end[-1] == '\0' && n < argc + envc + 1; s += strlen(s) + 1, n++)
		strings[n + (n >= argc) + (n >= argc + envc)] = s;
	if (find(id) || argc == 0 || n != argc + envc + 1 || s != end) {
		refuse(id, "exec", "malformed request", 126);
	} else {
		size.ws_row = get16(p + 1);
		size.ws_col = get16(p + 3);
		start(id, strings, strings + argc + 1, strings[argc + envc + 2], p[0] & 1, &size);
	}
	free(strings);
}

/* The command has closed its stdin: pending input is discarded, and acknowledged so that the host goes on. */
static void close_stdin(struct command *c)
{
	c->ack += c->in_len;
	c->in_len = 0;
	close_fd(&c->fd[IN]);
}

static void feed(struct command *c)
{
	while (c->in_len > 0 && c->fd[IN] >= 0) {
		ssize_t n = write(c->fd[IN], c->in + c->in_at, c->in_len);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			close_stdin(c);
			break;
		}
		c->ack += n;
		c->in_at += n;
		c->in_len -= n;
	}
	if (c->in_len == 0)
		c->in_at = 0;
	if (c->in_eof && c->in_len == 0 && !c->tty)
		close_fd(&c->fd[IN]);
}

static void queue_input(struct command *c, const uint8_t *p, uint32_t len)
{
	if (c->in_at + c->in_len + len > sizeof c->in) {
		memmove(c->in, c->in + c->in_at, c->in_len);
		c->in_at = 0;
	}
	memcpy(c->in + c->in_at + c->in_len, p, len);
	c->in_len += len;
}

static void stdin_request(struct command *c, const uint8_t *p, uint32_t len)
{
	struct termios mode;

	if (c->in_eof || c->fd[IN] < 0) {
		c->ack += len;
	} else if (len > (uint32_t)(STDIN_WINDOW - c->in_len)) {
		kill(-c->pid, SIGKILL); /* the host broke its promise; nothing it says next can be trusted to fit */
	} else if (len > 0) {
		queue_input(c, p, len);
	} else {
		c->in_eof = 1;
		/* A terminal has no end; a line discipline that edits lines takes a character for it. */
		if (c->tty && tcgetattr(c->fd[IN], &mode) == 0 && mode.c_lflag & ICANON) {
			queue_input(c, &mode.c_cc[VEOF], 1);
			c->ack--; /* never sent, so never to be acknowledged */
		}
	}
	feed(c);
}

static int may_pump(const struct command *c, int which)
{
	return !c->orphan && c->fd[which] >= 0 && out_len < OUT_STOP && c->out_room > 0;
}

/* Reads once, when it may; false when there is no more for now. */
static int pump(struct command *c, int which)
{
	int max = c->out_room < MAX_PAYLOAD ? c->out_room : MAX_PAYLOAD;
	uint8_t *frame = reserve(max);
	ssize_t n = read(c->fd[which], frame + HEADER, max);

	if (n > 0) {
		commit(which == OUT ? R_STDOUT : R_STDERR, c->id, n);
		c->out_room -= n;
		if (!c->exited || (c->drain_left -= n) > 0)
			return 1;
	} else if (n < 0 && errno == EAGAIN && !c->exited) {
		return 0;
	}
	close_fd(&c->fd[which]); /* the end, or (a process it left behind holds the pipe) all there was when it exited */
	return 0;
}

/* Flushes after each poll: the rest of what ended commands wrote, acknowledgements, exits; then frees the slot. */
static void settle(int slot)
{
	struct command *c = commands[slot];

	if (c->orphan) {
		if (!c->killed && now_ms() >= c->kill_at)
			c->killed = kill(-c->pid, SIGKILL) || 1;
		if (c->exited && c->killed) {
			close_fd(&c->fd[OUT]);
			close_fd(&c->fd[ERR]);
			free(c);
			commands[slot] = NULL;
		}
		return;
	}
	for (int i = OUT; c->exited && i <= ERR; i++)
		while (may_pump(c, i) && pump(c, i))
			;
	if (c->ack > 0 && out_len < IN_STOP) {
		uint8_t payload[4];

		put32(payload, c->ack);
		send_frame(R_STDIN_ACK, c->id, payload, sizeof payload);
		c->ack = 0;
	}
	if (c->exited && c->fd[OUT] < 0 && c->fd[ERR] < 0 && out_len < IN_STOP) {
		int signalled = WIFSIGNALED(c->status);

		send_exit(c->id, signalled, signalled ? WTERMSIG(c->status) : WEXITSTATUS(c->status));
		close_fd(&c->fd[IN]);
		free(c);
		commands[slot] = NULL;
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < MAX_COMMANDS; i++)
			if (commands[i] && commands[i]->pid == pid && !commands[i]->exited) {
				commands[i]->exited = 1;
				commands[i]->status = status;
			}
}

/* ---- from the host ---- */

/* /dev/console cannot be resized, only the terminal behind it, which sysfs names last. */
static void resize_console(const struct winsize *size)
{
	char names[256], path[300];
	int fd = open("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, names, sizeof names - 1);

	close_fd(&fd);
	if (n <= 1)
		return;
	names[n - 1] = '\0';
	char *last = strrchr(names, ' ');
	snprintf(path, sizeof path, "/dev/%s", last ? last + 1 : names);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		ioctl(fd, TIOCSWINSZ, size);
	close_fd(&fd);
}

static void handle(int type, uint16_t id, uint8_t *p, uint32_t len)
{
	struct command *c = find(id);

	if (type == HELLO && len >= 8) {
		reset();
		send_hello(get32(p + 4));
	} else if (type == EXEC) {
		exec_request(id, p, len);
	} else if (type == STDIN && c) {
		stdin_request(c, p, len);
	} else if (type == SIGNAL && c && len == 1) {
		kill(-c->pid, p[0]);
	} else if (type == OUT_ACK && c && len == 4) {
		/* Capped at the window: a wrong count grants no more. */
		uint32_t more = get32(p), used = OUT_WINDOW - c->out_room;

		c->out_room += more < used ? more : used;
	} else if (type == HANG_UP && c) {
		hang_up(c);
	} else if (type == PING && len == 4) {
		send_hello(get32(p));
	} else if (type == RESIZE && len == 4) {
		struct winsize size = { .ws_row = get16(p), .ws_col = get16(p + 2) };

		if (id == 0)
			resize_console(&size);
		else if (c && c->tty)
			ioctl(c->fd[OUT], TIOCSWINSZ, &size);
	} else if (type == POWEROFF) {
		sync();
		reboot(RB_POWER_OFF);
	}
}

static void parse(void)
{
	size_t at = 0;

	while (in_len - at >= HEADER && out_len < IN_STOP) {
		uint8_t *frame = in_buf + at;
		uint32_t len = get32(frame + 4);

		if (len > MAX_PAYLOAD) {
			fprintf(stderr, "kdock-agent: the host sent nonsense; waiting for its next hello\n");
			reset();
			at = in_len;
			break;
		}
		if (in_len - at < HEADER + len)
			break;
		at += HEADER + len;
		handle(frame[0], get16(frame + 2), frame + HEADER, len);
	}
	in_len -= at;
	memmove(in_buf, in_buf + at, in_len);
}

/* False when there is nothing to read. */
static int receive(void)
{
	/* The driver gives at most one of its buffers per read, and a new connection begins a new buffer. */
	uint8_t *chunk = in_buf + in_len;
	ssize_t n = read(port, chunk, sizeof in_buf - in_len);

	if (n < 0 && errno == ENODEV)
		exit(0); /* unplugged */
	if (n <= 0)
		return 0;
	if (n >= 28 && chunk[0] == HELLO && memcmp(chunk + 16, HELLO_MAGIC, 12) == 0) {
		/* Whatever half frame is there was the former connection's last. */
		memmove(in_buf, chunk, n);
		in_len = 0;
	}
	in_len += n;
	return 1;
}

/* Looks whether a host is connected: poll would report a missing one for ever, so it is asked only when SIGIO came. */
static void look(void)
{
	struct pollfd p = { .fd = port };
	int gone = poll(&p, 1, 0) > 0 && p.revents & POLLHUP;

	if (gone && link_state == UP) {
		link_state = LOST;
		lost_until = now_ms() + HUP_GRACE_MS;
	} else if (gone && link_state == LOST && now_ms() >= lost_until) {
		do
			in_len = 0;
		while (receive());
		in_len = 0;
		reset();
		link_state = DOWN;
	} else if (!gone && link_state != UP) {
		if (link_state == DOWN)
			send_hello(0);
		link_state = UP;
	}
}

/* ---- life ---- */

static int open_port(void)
{
	const char *folder = "/sys/class/virtio-ports";

	/* The port's name may reach the kernel a moment after the port. */
	for (int tries = 0; tries < 50; tries++, usleep(20000)) {
		DIR *dir = opendir(folder);
		struct dirent *entry;

		if (!dir) {
			fprintf(stderr, "kdock-agent: this kernel has no virtio-serial ports (CONFIG_VIRTIO_CONSOLE); "
					"the host cannot run commands here\n");
			exit(0);
		}
		while ((entry = readdir(dir))) {
			char path[512], name[64] = "";
			int fd;

			snprintf(path, sizeof path, "%s/%s/name", folder, entry->d_name);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0 || read(fd, name, sizeof name - 1) < 0)
				name[0] = '\0';
			close_fd(&fd);
			name[strcspn(name, "\n")] = '\0';
			if (strcmp(name, PORT_NAME) == 0) {
				snprintf(path, sizeof path, "/dev/%s", entry->d_name);
				fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
				if (fd < 0) {
					fprintf(stderr, "kdock-agent: %s: %s\n", path, strerror(errno));
					exit(0);
				}
				closedir(dir);
				return fd;
			}
		}
		closedir(dir);
	}
	fprintf(stderr, "kdock-agent: this machine has no virtio-serial port named " PORT_NAME "\n");
	exit(0);
}

static void drain_signals(void)
{
	struct signalfd_siginfo info;
	int children = 0;

	while (read(signals, &info, sizeof info) == sizeof info)
		children |= info.ssi_signo == SIGCHLD;
	if (children)
		reap();
}

static int timeout_ms(void)
{
	long long until = link_state == LOST ? lost_until : -1;

	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i] && commands[i]->orphan && !commands[i]->killed && (until < 0 || commands[i]->kill_at < until))
			until = commands[i]->kill_at;
	if (until < 0)
		return -1;
	return until > now_ms() ? until - now_ms() : 0;
}

int main(void)
{
	static struct pollfd polled[2 + 3 * MAX_COMMANDS];
	sigset_t mine;
	int fd;

	/* A guest without a console starts us with nothing open; no pipe of a command may become our stderr. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	close_fd(&fd);

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&no_signals);
	sigemptyset(&mine);
	sigaddset(&mine, SIGCHLD);
	sigaddset(&mine, SIGIO);
	sigprocmask(SIG_BLOCK, &mine, NULL);
	signals = signalfd(-1, &mine, SFD_NONBLOCK | SFD_CLOEXEC);
	port = open_port();
	fcntl(port, F_SETOWN, getpid());
	fcntl(port, F_SETFL, O_NONBLOCK | O_ASYNC);
	look();

	for (;;) {
		int listening = link_state == UP && out_len < IN_STOP;

		/* A descriptor whose data is not wanted now is left out: its hang-up would keep poll from waiting. */
		polled[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		polled[1] = (struct pollfd){ .fd = link_state == UP ? port : -1,
					     .events = (listening ? POLLIN : 0) | (out_len > 0 ? POLLOUT : 0) };
		int slots = MAX_COMMANDS;
		/* Looking at slots that are free costs more than all else, when there are many small reads. */
		while (slots > 0 && !commands[slots - 1])
			slots--;
		for (int i = 0; i < slots; i++) {
			struct pollfd *p = &polled[2 + 3 * i];
			struct command *c = commands[i];

			p[IN] = (struct pollfd){ .fd = c && c->in_len > 0 ? c->fd[IN] : -1, .events = POLLOUT };
			for (int k = OUT; k <= ERR; k++)
				p[k] = (struct pollfd){ .fd = c && may_pump(c, k) ? c->fd[k] : -1, .events = POLLIN };
		}
		if (poll(polled, 2 + 3 * slots, timeout_ms()) < 0 && errno != EINTR)
			return 1;

		drain_signals();
		if (polled[0].revents || polled[1].revents & POLLHUP || link_state == LOST)
			look();
		if (listening && polled[1].revents & POLLIN)
			while (in_len < HEADER + MAX_PAYLOAD && receive())
				;
		for (int i = 0; i < slots; i++) {
			struct pollfd *p = &polled[2 + 3 * i];
			struct command *c = commands[i];

			if (c && p[IN].revents)
				feed(c);
			for (int k = OUT; k <= ERR; k++)
				if (c && p[k].revents && may_pump(c, k))
					pump(c, k);
		}
		parse();
		/* Last, because what was just parsed may owe an acknowledgement, for which nothing would wake poll. */
		for (int i = 0; i < MAX_COMMANDS; i++)
			if (commands[i])
				settle(i);
		flush_out();
	}
}
