import { copyFile, mkdir, mkdtemp, readdir, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GuestSession } from "../../src/vm/agent/session.js";
import { connectEngine } from "../../src/engine/connect.js";
import { DEFAULT_VM, projectNames } from "../../src/core/plan/names.js";
import { openGuestSession } from "../../src/vm/steps/guest-session.js";
import { ROOT } from "./kdock.js";

/**
 * The project that the tests in test/vm share, one file after the other: kdock's own checkout, as scripts/quickstart.sh
 * built it. A missing build is a failure, never a skip. Tests elsewhere, which run beside them, may only read it.
 */
export const LAB = ROOT.replace(/\/$/, "");
const names = projectNames(await realpath(LAB));
export const LAB_NAMES = {
  ...names,
  vmContainer: names.vmContainer(DEFAULT_VM),
  gdbContainer: names.gdbContainer(DEFAULT_VM),
};

/**
 * A project beside the lab: the lab's lock, kernels and busybox by reference, and a root file system of its own, so that
 * the lab's stays what it is for other tests. What it builds is its own. The caller removes the folder.
 */
export async function labSide(name: string, yaml: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `kdock-${name}-`)));
  await mkdir(join(folder, ".kdock/out"), { recursive: true });
  for (const stage of ["kernel", "busybox"]) {
    const theirs = join(LAB, ".kdock/out", stage);
    const ours = join(folder, ".kdock/out", stage);
    await mkdir(ours);
    for (const key of (await readdir(theirs)).filter((name) => !name.includes(".tmp-"))) {
      await symlink(join(theirs, key), join(ours, key));
    }
  }
  await copyFile(join(LAB, "kdock.lock"), join(folder, "kdock.lock"));
  await writeFile(join(folder, "kdock.yaml"), yaml);
  return folder;
}

/** A session with the guest of a VM that runs. */
export async function withGuest<T>(
  container: string,
  talk: (session: GuestSession) => Promise<T>,
): Promise<T> {
  const engine = await connectEngine({
    env: process.env,
    home: process.env["HOME"] ?? "/root",
    onLeak: () => undefined,
  });
  const signal = AbortSignal.timeout(60_000);
  await using session = await openGuestSession(engine.container(container), { signal });
  return await talk(session);
}

/** One command in the guest, its output and exit code. */
export async function inGuest(session: GuestSession, script: string): Promise<GuestOutcome> {
  const command = session.exec({ argv: ["sh", "-c", script], env: {}, cwd: "" });
  command.stdin.end();
  const [stdout, stderr, exit] = await Promise.all([
    textOf(command.stdout),
    textOf(command.stderr),
    command.exit,
  ]);
  return { stdout, stderr, exitCode: exit.kind === "exited" ? exit.code : 128 + exit.signal };
}

export interface GuestOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
