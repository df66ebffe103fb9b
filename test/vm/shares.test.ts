import { createHash, randomBytes } from "node:crypto";
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SharePlan, shareArgs, shareWords } from "../../src/vm/plan/shares.js";
import { isRootScript, processesOf, reader, READERS } from "../support/container-processes.js";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

/** The owner of the folders: neither root nor the user that QEMU runs as by default. */
const OWNER = 4711;
const isRoot = process.getuid?.() === 0;
const NAME = "my data, 100% *";
let host = "";
let stderr = "";
const on = (...parts: readonly string[]) => join(host, ...parts);

/**
 * The lab's kernel uses virtiofs. The same folder is also shared by 9p, with the arguments for QEMU and the guest that
 * kdock uses for a kernel without virtiofs.
 */
const NINE: SharePlan = {
  ...{ tag: "nine", folder: "", written: "", inside: "/shares/share1" },
  ...{ mountPoint: "/mnt/nine", writable: true },
};
const nine = { folders: [NINE], transport: "9p" } as const;

beforeAll(async () => {
  host = await mkdtemp(join(tmpdir(), "kdock-shares-"));
  await chmod(host, 0o755);
  await mkdir(on("fixed"));
  await mkdir(on(NAME));
  await writeFile(on("fixed", "file"), "from the host\n");
  await symlink("/etc/mdev.conf", on("fixed", "absolute"));
  await symlink(`../../../../../..${on("outside")}`, on("fixed", "relative"));
  await writeFile(on("outside"), "not shared\n");
  await writeFile(on(NAME, "big"), randomBytes(24 << 20));
  // Only the owner can read the folder.
  await chmod(on(NAME), 0o700);
  if (isRoot) for (const path of [on(NAME), on(NAME, "big")]) await chown(path, OWNER, OWNER);

  await kdock(["stop"], { cwd: LAB });
  const ended = await kdock(
    [
      ...["run", "-d", "--gdb", "0"],
      ...["--share", on("fixed"), "--share", `${on(NAME)}:rw`],
      ...shareArgs(nine).map((argument) => `--qemu-arg=${argument}`),
      ...["--append", [...shareWords(nine), "none,9p,ro,/mnt/none"].map(word).join(" ")],
    ],
    { cwd: LAB },
  );
  expect(ended.exitCode, ended.stderr).toBe(0);
  stderr = ended.stderr;
});

afterAll(async () => {
  await kdock(["stop"], { cwd: LAB });
  await rm(host, { recursive: true });
});

const word = (share: string) => `kdock.share=${share}`;
const guest = (script: string) =>
  withGuest(LAB_NAMES.vmContainer, (session) => inGuest(session, script));
const digest = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

it("a folder is read-only by default", async () => {
  const { stdout } = await guest("cat /mnt/fixed/file; echo x >/mnt/fixed/file || echo refused");
  expect(stdout).toBe("from the host\nrefused\n");
  expect(await readFile(on("fixed", "file"), "utf8")).toBe("from the host\n");
  const mounts = await docker("inspect", "-f", "{{json .Mounts}}", LAB_NAMES.vmContainer);
  expect(
    (JSON.parse(mounts) as { Type: string; Source: string; RW: boolean }[])
      .filter(({ Type }) => Type === "bind")
      .map(({ Source, RW }) => [Source, RW])
      .sort(),
  ).toEqual([
    [on("fixed"), false],
    [on(NAME), true],
  ]);
});

it("links are resolved in the guest", async () => {
  const { stdout } = await guest("cat /mnt/fixed/absolute; cat /mnt/fixed/relative || echo no");
  const there = await readFile(join(LAB, "images/rootfs/tree/etc/mdev.conf"), "utf8");
  expect(stdout).toBe(`${there}no\n`);
});

it("virtiofsd and QEMU run as the folder's owner without capabilities, in an unprivileged container", async () => {
  const { uid } = await stat(on(NAME));
  const processes = await processesOf((script) =>
    docker("exec", LAB_NAMES.vmContainer, "sh", "-c", script),
  );
  const owner = String(uid);
  expect(processes.filter((each) => !isRootScript(each))).toEqual([
    reader("dnsmasq", READERS.dns, ["net_admin"]),
    reader("guest-mux.pl", owner),
    reader("qemu-system-x86_64", owner),
    reader("router.pl", READERS.router),
    reader("run-qemu.pl", owner),
    reader("sh", owner),
    reader("virtiofsd", owner),
    reader("virtiofsd", owner),
  ]);
  const privileged = "{{.HostConfig.Privileged}}";
  expect(await docker("inspect", "-f", privileged, LAB_NAMES.vmContainer)).toBe("false");
});

it("a folder that cannot be mounted is a warning of kdock run, and the VM boots", () => {
  expect(stderr).toMatch(
    /the guest says: the host folder for \/mnt\/none could not be mounted: mount: /,
  );
});

it("ps lists shared folders", async () => {
  const { stdout } = await kdock(["ps"], { cwd: LAB });
  expect(stdout).toContain(`${on("fixed")} on /mnt/fixed (read-only)`);
  expect(stdout).toContain(`${on(NAME)} on /mnt/${NAME} (read-write)`);
});

describe.each([
  ["virtiofs", `/mnt/${NAME}`],
  ["9p", NINE.mountPoint],
])("%s", (type, mountPoint) => {
  const at = (name: string) => `'${mountPoint}/${name}'`;

  it("is the type of the mount", async () => {
    const { stdout } = await guest(`stat -f -c %T ${at("")}; grep -c ' ${type} ' /proc/mounts`);
    expect(stdout.split("\n")[1]).toBe(type === "9p" ? "1" : "2");
    expect((await guest(`ls ${at("")}`)).stdout).toContain("big\n");
  });

  it("files that the guest writes as any user belong to the folder's owner", async () => {
    const { exitCode, stdout } = await guest(
      `mkdir -m 777 ${at(type)} && umask 022 && echo root >${at(`${type}/root`)} &&
       grep -q ^joe: /etc/passwd || echo joe:x:1001:1001::/:/bin/sh >>/etc/passwd
       chmod 711 ${at("")} && su joe -c "echo joe >\\"${mountPoint}/${type}/joe\\""`,
    );
    expect(exitCode, stdout).toBe(0);
    const folder = await stat(on(NAME));
    for (const name of ["root", "joe"]) {
      const path = on(NAME, type, name);
      expect(await readFile(path, "utf8")).toBe(`${name}\n`);
      const { uid, gid, mode } = await stat(path);
      expect([uid, gid, mode & 0o777]).toEqual([folder.uid, folder.gid, 0o644]);
    }
  });

  it("changes on one side are visible on the other at once", async () => {
    const file = `live-${type}`;
    await withGuest(LAB_NAMES.vmContainer, async (session) => {
      const cat = async () => (await inGuest(session, `cat ${at(file)}`)).stdout;
      await inGuest(session, `echo one >${at(file)}`);
      expect(await readFile(on(NAME, file), "utf8")).toBe("one\n");
      expect(await cat()).toBe("one\n");
      await appendFile(on(NAME, file), "two\n");
      expect(await cat()).toBe("one\ntwo\n");
      // The size is unchanged, and perhaps the mtime.
      await writeFile(on(NAME, file), "1ne\n2wo\n");
      expect(await cat()).toBe("1ne\n2wo\n");
      await inGuest(session, `echo three >>${at(file)}`);
      expect(await readFile(on(NAME, file), "utf8")).toBe("1ne\n2wo\nthree\n");
      await rm(on(NAME, file));
      expect((await inGuest(session, `test -e ${at(file)}`)).exitCode).toBe(1);
    });
  });

  it("a large file is copied unchanged in both directions", async () => {
    const { exitCode } = await guest(`cat ${at("big")} >${at(`copy-${type}`)}`);
    expect(exitCode).toBe(0);
    expect(await digest(on(NAME, `copy-${type}`))).toBe(await digest(on(NAME, "big")));
  });

  it("programs in it can be run", async () => {
    const { stdout } = await guest(`cp /bin/busybox ${at("echo")} && ${at("echo")} runs`);
    expect(stdout).toBe("runs\n");
  });
});

it("a missing folder is rejected before anything is started", async () => {
  const containers = () =>
    docker("ps", "-aq", "--filter", `label=io.kdock.project=${LAB_NAMES.id}`);
  const before = await containers();
  for (const command of [
    ["run", "--name", "other"],
    ["debug", "--vm", "other", "f"],
  ]) {
    const ended = await kdock([...command, "--share", on("nowhere")], { cwd: LAB });
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toContain(`vm.shares: there is no folder ${on("nowhere")}\n→ Make it`);
  }
  expect(await containers()).toBe(before);
});
