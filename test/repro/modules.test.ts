import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { kdock } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { reproProject, type ReproProject } from "./project.js";

const YAML = `
kernel: { set: { CONFIG_MODULES: y, CONFIG_DUMMY: m } }
gdb: { listen: 0 }
`;

/** Sends a packet through the module dummy. */
const TRAFFIC = "ifconfig dummy0 10.9.9.1 up; ping -c 1 -W 1 10.9.9.2";

let project: ReproProject;
const debug = (input: string, ...args: string[]) =>
  kdock(["debug", ...args], { cwd: project.folder, input });

beforeAll(async () => {
  project = await reproProject();
  await copyFile(`${LAB}/kdock.lock`, join(project.folder, "kdock.lock"));
  await writeFile(join(project.folder, "kdock.yaml"), YAML);
  const built = await project.kdock("build");
  expect(built.exitCode, built.stderr).toBe(0);
  const ran = await project.kdock("run", "-d");
  expect(ran.exitCode, ran.stderr).toBe(0);
});

afterAll(async () => {
  await project.kdock("stop");
  await project.remove();
});

it("a pending breakpoint is set when its module is loaded, with correct addresses", async () => {
  const { stdout } = await debug(
    "backtrace 1\nprint dummy_link_ops.kind\nprint &dummy_link_ops\n",
    ...["dummy_xmit", "--if", "skb->len > 0", "--exec", `modprobe dummy; ${TRAFFIC}`],
  );
  expect(stdout).toContain("dummy_xmit is in the module dummy, which is not loaded yet");
  expect(stdout).toMatch(/^Breakpoint 1, dummy_xmit \(skb=0x/m);
  expect(stdout).toMatch(/\$1 = 0x[0-9a-f]+ "dummy"/);
  expect(stdout).toMatch(/\$2 = \(struct rtnl_link_ops \*\) 0x[0-9a-f]+ <dummy_link_ops>/);
});

it("symbols of a loaded module are available from the start", async () => {
  const { stdout, exitCode } = await debug("", ...["dummy_xmit", "--exec", TRAFFIC]);
  expect(stdout).toMatch(/^module dummy at 0xffffffff/m);
  expect(stdout).toMatch(/^Breakpoint 1, dummy_xmit \(skb=0x/m);
  expect(exitCode).toBe(0);
});
