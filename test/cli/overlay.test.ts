import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { docker, kdock, run } from "../support/kdock.js";
import { LAB, labSide } from "../support/lab.js";

const YAML = "gdb: { listen: 0 }\nrootfs: { overlay: guest }\n";

/**
 * Every kind of entry, created as root in a container, since device nodes need that; then owned by the user of the
 * test, like the files of a project.
 */
const KINDS = `
cd /guest
mkdir -p usr/bin usr/lib opt/empty opt/secret opt/shared 'opt/a b' etc root x/bin
printf '#!/bin/sh\\necho mine\\n' > usr/bin/mine
chmod 755 usr/bin/mine
ln -s usr/bin bin
ln -s /usr/sbin sbin
ln -s usr/lib lib
ln -s /mnt/later srv
ln -s ../nowhere opt/dangling
ln -s /etc/os-release opt/absolute
printf 'overlaid' > etc/hostname
printf 'suid' > opt/suid
printf 'sgid' > opt/sgid
printf 'key' > opt/key
chmod 400 opt/key
printf 'group' > opt/group
chmod 664 opt/group
chmod 700 opt/secret root
chmod 1777 opt/shared
printf 'one file' > opt/second
ln opt/second opt/first
ln opt/second x/third
printf 'spaces' > 'opt/a b/c  d'
printf 'newline' > "opt/new
line"
printf 'latin1' > "$(printf 'opt/caf\\351')"
ln -s "$(printf 'caf\\351')" opt/latin1-link
printf 'utf8' > "$(printf 'opt/caf\\303\\251')"
printf 'backslash' > 'opt/caf\\xe9'
mknod opt/null c 1 3
mknod opt/disk b 259 70000
chmod 666 opt/null
mkfifo opt/pipe
chmod 620 opt/pipe
long=x; for i in $(seq 1 15); do long=$long/$(printf '%0200d' 7); mkdir "$long"; done
printf 'far' > "$long/file"
# A file over a link of the root, a link over a file, a folder over a file.
printf '#!/bin/sh\\necho no editor\\n' > usr/bin/vi
chmod 755 usr/bin/vi
ln -s /proc/mounts etc/mtab
ln -s passwd- etc/passwd
mkdir usr/bin/clear
chown -hR "$1" .
# Which chown takes away.
chmod 4755 opt/suid
chmod 2711 opt/sgid
`;

let folder: string;
let image: string;
const here = (...args: readonly string[]) => kdock(args, { cwd: folder });
const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;

async function makeKinds(script: string): Promise<void> {
  const guest = join(folder, "guest");
  await docker(
    ...["run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh"],
    ...["-v", `${guest}:/guest`, image, "-ec", script, "sh", owner],
  );
}

/** Packs the project's overlay as compose does; resolves with the archive's digest, or rejects with the packer's error. */
async function packedByCompose(): Promise<string> {
  const busybox = await realpath(`${LAB}/.kdock/out/current/busybox`);
  const mount = (from: string, to: string) => ["-v", `${from}:${to}:ro`];
  const sum = await docker(
    ...["run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh"],
    ...mount(busybox, "/artifacts"),
    ...mount(join(folder, "guest"), "/overlay"),
    ...[image, "-ec"],
    "cp -a /artifacts/install /artifacts/kdock-agent /out/; sh /usr/local/lib/kdock/rootfs/pack.sh >&2; sha256sum /out/rootfs.cpio",
  );
  return sum.split(" ")[0] ?? "";
}

async function packedByKdock(): Promise<string> {
  const build = await here("build", "rootfs");
  expect(build.exitCode, build.stderr).toBe(0);
  const { stdout: plan } = await here("plan");
  const key = /^rootfs +key (\S+)/m.exec(plan)?.[1] ?? "";
  const sum = await run("sha256sum", join(folder, ".kdock/out/rootfs", key, "rootfs.cpio"));
  return sum.split(" ")[0] ?? "";
}

beforeAll(async () => {
  folder = await labSide("overlay", YAML);
  await mkdir(join(folder, "guest"));
  const { stdout: plan } = await here("plan");
  image = /-t (kdock\/busybox:\S+)/.exec(plan)?.[1] ?? "";
});

/** A new overlay for each test. */
async function freshOverlay(script: string): Promise<void> {
  await here("stop");
  await rm(join(folder, "guest"), { recursive: true, force: true });
  await mkdir(join(folder, "guest"));
  await makeKinds(script);
}

afterAll(async () => {
  await here("down");
  await rm(folder, { recursive: true });
});

it("entries of all kinds are packed the same by kdock and by compose, and unchanged in the guest", async () => {
  await freshOverlay(KINDS);
  expect(await packedByKdock()).toBe(await packedByCompose());
  const { exitCode, stdout, stderr } = await here(
    ...["run", "--", "sh", "-c"],
    `hostname; mine; ls -ld /bin /sbin /lib | awk '{ print $9, $11 }'
     stat -c '%a %u %F %n' /opt/suid /opt/sgid /opt/key /opt/group /opt/secret /root /opt/shared /opt/empty /opt/pipe
     stat -c '%a %F %t %T' /opt/null /opt/disk
     stat -c '%h' /opt/first /opt/second /x/third; cat /opt/first
     echo; echo x > /opt/null; cat /opt/latin1-link "/opt/a b/c  d" /opt/new*; echo
     ls /opt | grep -c caf; for link in /opt/dangling /opt/absolute /srv /etc/mtab; do readlink $link; done; vi; cat /x/0*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/file`,
  );
  expect(exitCode, stderr).toBe(0);
  expect(stdout.split("\n")).toEqual([
    ...["overlaid", "mine", "/bin usr/bin", "/lib usr/lib", "/sbin /usr/sbin"],
    ...["4755 0 regular file /opt/suid", "2711 0 regular file /opt/sgid"],
    ...["400 0 regular file /opt/key", "644 0 regular file /opt/group"],
    ...["700 0 directory /opt/secret", "700 0 directory /root", "1777 0 directory /opt/shared"],
    ...["755 0 directory /opt/empty", "620 0 fifo /opt/pipe"],
    ...["666 character special file 1 3", "644 block special file 103 11170"],
    ...["3", "3", "3", "one file", "latin1spacesnewline", "3"],
    ...["../nowhere", "/etc/os-release", "/mnt/later", "/proc/mounts", "no editor", "far"],
  ]);
});

it.each([
  [
    "a socket",
    `perl -e 'use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un("/guest/s"))'`,
    "is a socket",
  ],
  ["a file of 4 GiB", "truncate -s 4G /guest/huge", "larger than 4 GiB"],
  ["an /init that is not executable", "echo '#!/bin/sh' > /guest/init", "is not executable"],
  [
    "an /init without its shell",
    "printf '#!/bin/bash\\n' > /guest/init; chmod 755 /guest/init",
    "needs /bin/bash",
  ],
  ["a link over a folder that leads to a file", "ln -s init /guest/bin", "is no folder, where"],
])("both packers reject %s", async (_what, script, message) => {
  await freshOverlay(`${script}; chown -hR "$1" /guest`);
  const build = await here("build", "rootfs");
  expect(build.stderr).toContain(message);
  expect(build.exitCode).toBe(2);
  await expect(packedByCompose()).rejects.toThrow(message);
});

it("with an own /init that starts no agent, commands fail without waiting", async () => {
  const init = "mount -t devtmpfs dev /dev\\nmount -t proc proc /proc\\nmount -t sysfs sys /sys\\n";
  await freshOverlay(
    `printf '#!/bin/sh\\n${init}exec sh\\n' > /guest/init; chmod 755 /guest/init; chown "$1" /guest/init`,
  );
  const command = await here("run", "--", "true");
  expect(command.stderr).toContain("no command can be run in the guest: rootfs.overlay has its");
  expect(command.exitCode).toBe(2);
  const detached = await here("run", "-d");
  expect(detached.stdout).toContain(
    "because kdock's agent does not run there: rootfs.overlay has its",
  );
  expect(detached.exitCode, detached.stderr).toBe(0);
  const exec = await here("exec", "--", "true");
  expect(exec.stderr).toContain("error: no agent answers in the guest: rootfs.overlay has its");
  expect(exec.exitCode).toBe(1);

  // With an /init that starts the agent, kdock waits for it.
  await freshOverlay(
    `printf '#!/bin/sh\\n${init}kdock-agent &\\nexec sh\\n' > /guest/init; chmod 755 /guest/init; chown "$1" /guest/init`,
  );
  const { exitCode, stdout, stderr } = await here("run", "--", "cat", "/proc/1/comm");
  expect(stdout).toBe("sh\n");
  expect(exitCode, stderr).toBe(0);
});

it("with an /etc/inittab, kdock's /init executes busybox's init, and the agent runs", async () => {
  await freshOverlay(`
mkdir -p /guest/etc/init.d
cat > /guest/etc/inittab <<END
::sysinit:/etc/init.d/rcS
::once:/bin/touch /run/once
::shutdown:/bin/echo the inittab goes down
END
printf '#!/bin/sh\\nhostname > /run/sysinit\\n' > /guest/etc/init.d/rcS
printf '#!/bin/sh\\ntouch /run/by-kdock\\n' > /guest/etc/init.d/S01
printf '\\357\\273\\277# the lab\\r\\n\\r\\n  crlf-host  # ours\\r\\n' > /guest/etc/hostname
chmod 755 /guest/etc/init.d/*
chown -R "$1" /guest`);
  const started = await here("run", "-d");
  expect(started.exitCode, started.stderr).toBe(0);
  const { stdout } = await here(
    ...["exec", "--", "sh", "-c"],
    "until [ -e /run/once ]; do usleep 100000; done; cat /run/sysinit /proc/1/comm; ls /run/by-kdock",
  );
  expect(stdout).toBe("crlf-host\ninit\n");
  await here("exec", "--", "poweroff");
  // Until the console ends: the guest may still be shutting down.
  const logs = await here("logs", "-f");
  expect(logs.stdout).toContain("the inittab goes down");
});

it("a root that does not fit into the guest's memory is an error before the VM starts", async () => {
  await freshOverlay(`truncate -s 300M /guest/large; chown "$1" /guest/large`);
  const { exitCode, stderr } = await here("run", "--", "true");
  expect(stderr).toMatch(/error: the guest's root \(302 MiB\) does not fit into .*512M/);
  const least = /at least --memory (\d+M) \(vm\.memory\)/.exec(stderr)?.[1] ?? "";
  expect(exitCode).toBe(2);
  const enough = await here("run", "--memory", least, "--", "stat", "-c", "%s", "/large");
  expect(enough.stdout, enough.stderr).toBe(`${300 * 2 ** 20}\n`);
});
