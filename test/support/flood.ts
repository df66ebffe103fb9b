import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEngine } from "../../src/engine/connect.js";
import type { Container } from "../../src/engine/engine.js";
import { PLAIN } from "../../src/core/plan/container-spec.js";
import {
  consoleFiles,
  DEFAULT_VM,
  LABEL,
  labels,
  projectNames,
} from "../../src/core/plan/names.js";
import { CLI, docker, untilOutput } from "./kdock.js";

export interface Flooded {
  /** Of each command that read the console. */
  readonly commands: readonly {
    readonly args: string;
    readonly exitCode: number | null;
    /** The most memory that one of its processes had. */
    readonly peakMiB: number;
    /** What it wrote last. */
    readonly end: string;
  }[];
  /** What is left of the console in .kdock/logs. */
  readonly savedBytes: number;
  /** Containers that are left of the project. */
  readonly left: string;
}

/** The last words of the flood. */
export const THE_END = "the end";

/**
 * A container with the labels of a VM, made as kdock makes one, prints faster than a serial line could: half of the bytes
 * without an end of line, half in short lines. Commands of kdock, whose heap is limited, read that while it is printed and
 * after.
 */
export async function flood(bytes: number, heapMiB: number): Promise<Flooded> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-flood-")));
  await writeFile(join(folder, "kdock.yaml"), "");
  await using container = await floodingContainer(folder, bytes);
  await container.start();
  const commands: Flooded["commands"][number][] = [];
  const watching = [
    begin(folder, heapMiB, "console"),
    begin(folder, heapMiB, "logs", "-f"),
    begin(folder, heapMiB, "--json", "logs", "-f"),
  ];
  const first = await watching[0];
  if (first?.stderr) await untilOutput(first.stderr, "attached to the console");
  await docker("exec", container.id, "touch", "/tmp/go");
  for (const each of watching) commands.push(await (await each).ended());
  for (const args of [["ps"], ["logs"], ["stop"]]) {
    commands.push(await (await begin(folder, heapMiB, ...args)).ended());
  }
  const { size } = await stat(join(folder, consoleFiles(DEFAULT_VM).log));
  const label = `label=${LABEL.project}=${projectNames(folder).id}`;
  const left = await docker("ps", "-aq", "--filter", label);
  await rm(folder, { recursive: true });
  return { commands, savedBytes: size, left };
}

async function floodingContainer(folder: string, bytes: number): Promise<Container> {
  const names = projectNames(folder);
  const engine = await connectEngine({
    env: process.env,
    home: process.env["HOME"] ?? "/root",
    onLeak: () => undefined,
  });
  const half = Math.floor(bytes / 2);
  const script = [
    "until [ -e /tmp/go ]; do sleep 0.1; done",
    `head -c ${half} /dev/zero | tr '\\0' y`,
    `yes 'a line of the usual length, as programs write them' | head -c ${half}`,
    `printf '\\n${THE_END}\\n'`,
  ].join("\n");
  const images = await docker("images", "-q", "--filter", `label=${LABEL.role}=image-vm`);
  return await engine.createContainer(
    {
      ...{ ...PLAIN, name: names.vmContainer(DEFAULT_VM), image: images.split("\n")[0] ?? "" },
      ...{ entrypoint: ["sh", "-c"], command: [script], env: {}, mounts: [], capDrop: ["ALL"] },
      labels: { ...labels("vm", names.id), [LABEL.vm]: "{}" },
      ...{ network: "none", hostname: undefined, tty: true, openStdin: true },
    },
    AbortSignal.timeout(600_000),
  );
}

/** Notes how much memory a process had at most, in KiB, in a file of its own. */
const NOTE_PEAK = `--import=data:text/javascript,${encodeURIComponent(`
import { writeFileSync } from "node:fs";
process.on("exit", () => {
  const path = process.env.KDOCK_TEST_PEAK + "/" + process.pid;
  writeFileSync(path, String(process.resourceUsage().maxRSS));
});`)}`;

/** Its stdout goes to a file, so that only kdock's own memory counts. */
async function begin(folder: string, heapMiB: number, ...args: string[]) {
  const about = await mkdtemp(join(folder, "about-"));
  const peaks = join(about, "peaks");
  await mkdir(peaks);
  const output = join(about, "stdout");
  const file = await open(output, "w");
  const running = spawn("node", [CLI, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_OPTIONS: `--max-old-space-size=${heapMiB} ${NOTE_PEAK}`,
      KDOCK_TEST_PEAK: peaks,
    },
    stdio: ["ignore", file.fd, "pipe"],
  });
  const closed = once(running, "close") as Promise<[exitCode: number | null]>;
  return {
    stderr: running.stderr,
    async ended() {
      running.stderr?.resume();
      const [exitCode] = await closed;
      await file.close();
      const each = await Promise.all(
        (await readdir(peaks)).map((name) => readFile(join(peaks, name), "utf8")),
      );
      const { size } = await stat(output);
      let end = "";
      const last = createReadStream(output, { start: Math.max(0, size - 200) });
      for await (const chunk of last) end += String(chunk);
      await rm(output);
      return { args: args.join(" "), exitCode, peakMiB: Math.max(...each.map(Number)) / 1024, end };
    },
  };
}
