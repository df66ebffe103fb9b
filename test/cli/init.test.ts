import { chmod, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { docker, kdock, run } from "../support/kdock.js";
import { LAB, labSide } from "../support/lab.js";

/** In order: one that needs the network, one without a shebang that fails, one with a link to sh. */
const SCRIPTS: Readonly<Record<string, string>> = {
  "routes.sh": "#!/bin/sh\nip route add 10.99.0.0/24 via 10.0.3.1 && echo 1 >> /run/order\n",
  "fails.sh": 'echo 2 >> /run/order\nseq 1 30\nprintf "no such knob"\nexit 7\n',
  "hangs.sh": "#!/bin/sh\necho waiting for nothing\nwhile :; do sleep 1; done\n",
  "guest/etc/init.d/10-late": "#!/bin/sh\necho 3 $1 >> /run/order\nexit 2\n",
};
const YAML =
  "gdb: { listen: 0 }\nrootfs: { overlay: guest, init: [routes.sh, ./fails.sh, routes.sh] }\n";

let folder: string;
const here = (...args: readonly string[]) => kdock(args, { cwd: folder });

beforeAll(async () => {
  folder = await labSide("init", YAML);
  await mkdir(join(folder, "guest/etc/init.d"), { recursive: true });
  for (const [name, text] of Object.entries(SCRIPTS)) await writeFile(join(folder, name), text);
  // kdock makes scripts of rootfs.init executable; those of the overlay run only if they are.
  await chmod(join(folder, "guest/etc/init.d/10-late"), 0o755);
});

afterAll(async () => {
  await here("down");
  await rm(folder, { recursive: true });
});

it("init scripts run in order when the network is up; failing ones are reported, and the boot continues", async () => {
  const { exitCode, stdout, stderr } = await here(
    ...["run", "--", "sh", "-c", "ip route; cat /run/order; exit 5"],
  );
  expect(stdout).toContain("10.99.0.0/24 via 10.0.3.1 dev eth0");
  // The same route cannot be added twice.
  expect(stdout).toMatch(/\n1\n2\n3 start\n$/);
  expect(exitCode).toBe(5);
  expect(stderr).toContain(
    "the init script /etc/kdock/init.d/002-fails.sh failed with exit code 7\n",
  );
  expect(stderr).toMatch(/\n {2}\| 30\n {2}\| no such knob\n/);
  expect(stderr).toMatch(
    /the init script \/etc\/kdock\/init\.d\/003-routes\.sh failed with exit code 2\n/,
  );
  expect(stderr).toContain("the init script /etc/init.d/10-late failed with exit code 2");
});

it("strict: the first failing script ends the boot, with its name, exit code and last output", async () => {
  for (const args of [["-d"], ["--", "true"], []]) {
    const { exitCode, stderr } = await here("run", "--strict-init", ...args);
    expect(exitCode, args.join(" ")).toBe(1);
    // The kernel may have printed something meanwhile.
    expect(stderr).toMatch(
      /error: the boot ended: the init script \/etc\/kdock\/init\.d\/002-fails\.sh failed with exit code 7\n(?: {2}\| (?:\d+|\[.*)\n)+ {2}\| no such knob\n→ /,
    );
    expect(stderr).not.toContain("10-late");
  }
  expect((await here("ps")).stdout).not.toContain("Up");
});

it("a hanging script is reported when the boot times out, and the VM is removed", async () => {
  const { exitCode, stderr } = await here(
    ...["run", "-d", "--init-script", "hangs.sh", "--boot-timeout", "8"],
  );
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    "error: the guest was not ready after 8 s: its init script /etc/kdock/init.d/001-hangs.sh has not ended",
  );
  expect(stderr).toContain("| waiting for nothing");
});

it("compose's packer gives the same bytes", async () => {
  const build = await here("build", "rootfs", "--strict-init");
  expect(build.exitCode, build.stderr).toBe(0);
  const { stdout: plan } = await here("plan", "--strict-init");
  const image = /-t (kdock\/busybox:\S+)/.exec(plan)?.[1] ?? "";
  const key = /^rootfs +key (\S+)/m.exec(plan)?.[1] ?? "";
  const busybox = await realpath(`${LAB}/.kdock/out/current/busybox`);
  const mount = (from: string, to: string) => ["-v", `${from}:${to}:ro`];
  const theirs = await docker(
    ...["run", "--rm", "--network", "none", "-e", "KDOCK_STRICT=true", "--entrypoint", "sh"],
    ...mount(busybox, "/artifacts"),
    ...mount(join(folder, "guest"), "/overlay"),
    ...mount(join(folder, "routes.sh"), "/init/001-routes.sh"),
    ...mount(join(folder, "fails.sh"), "/init/002-fails.sh"),
    ...mount(join(folder, "routes.sh"), "/init/003-routes.sh"),
    ...[image, "-ec"],
    "cp -a /artifacts/install /artifacts/kdock-agent /out/; sh /usr/local/lib/kdock/rootfs/pack.sh >&2; sha256sum /out/rootfs.cpio",
  );
  const ours = await run("sha256sum", join(folder, ".kdock/out/rootfs", key, "rootfs.cpio"));
  expect(theirs.split(" ")[0]).toBe(ours.split(" ")[0]);
});
