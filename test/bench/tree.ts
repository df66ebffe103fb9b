import {
  appendFile,
  copyFile,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { projectNames } from "../../src/core/plan/names.js";
import { CLI, removeVolumes } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { makeToyTree, TOY_CONFIG } from "../support/toy-tree.js";
import { bareMake, kdock, medians, plan, report, SMOKE, times } from "./common.js";
import { TOY_PRESET } from "./toy-project.js";

const EDITED = SMOKE ? "net/one.c" : "net/ipv4/tcp_ipv4.c";
const PRESETS = SMOKE ? [TOY_PRESET] : ["tiny", "debug"];
const TARGETS = SMOKE ? "bzImage" : "bzImage modules";
/** A difference of a second between what takes ten. */
const RUNS = times(5);

/**
 * A line is changed in a tree of one's own, and the kernel is built: kdock against a make that somebody types in the same
 * image, with objects of its own and an open shell. The tree is the lab's source.
 */
export async function tree(): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-bench-tree-")));
  const linux = join(folder, "linux");
  const shell = `kdock-bench-tree-${process.pid}`;
  // Never twice the same, in another bench either: the compiler's cache would have it.
  const edit = () => {
    const now = Date.now();
    return appendFile(
      join(linux, EDITED),
      `int kdock_bench_${now}(void) { return ${now % 1000}; }\n`,
    );
  };
  const ours = (...args: string[]) => execa("node", [CLI, ...args], { cwd: folder });
  try {
    if (SMOKE) await makeToyTree(linux);
    else await kdock("source", "export", linux);
    await writeFile(join(folder, "toy.config"), TOY_CONFIG);
    await copyFile(join(LAB, "kdock.lock"), join(folder, "kdock.lock"));
    for (const preset of PRESETS) {
      await writeFile(
        join(folder, "kdock.yaml"),
        `kernel: { source: "path:./linux", preset: "${preset}" }\n`,
      );
      await ours("build", "kernel");
      const built = join(folder, ".kdock/out/kernel");
      // Of the presets before it there may be others.
      const key = await newestIn(built);
      await execa("docker", [
        ...["run", "-d", "--rm", "--name", shell, "-v", `${linux}:/src:ro`],
        ...["-v", `${projectNames(folder).ccacheVolume}:/ccache`],
        ...["-v", `${built}/${key}:/given:ro`],
        ...["--entrypoint", "sleep", plan.kernel.image.tag, "7200"],
      ]);
      const typed = (script: string) => execa("docker", ["exec", shell, "sh", "-c", script]);
      const make = `${bareMake("/tmp/bare")} KBUILD_BUILD_TIMESTAMP=@0`;
      const typedMake = () => typed(`${make} ${TARGETS}`);
      await typed(`mkdir /tmp/bare; cp /given/config /tmp/bare/.config; ${make} olddefconfig`);
      await typedMake();
      const after = (work: () => Promise<unknown>) => async () => {
        await edit();
        await work();
      };
      const build = () => ours("build", "kernel");
      const [edited, bare] = await medians(RUNS, after(build), after(typedMake));
      report(`${preset}: one edit, kdock build`, edited, "one edit, bare make", bare);
      // The last edit is after the last of ours.
      await build();
      const [same, bareSame] = await medians(RUNS, build, typedMake);
      report(`${preset}: nothing edited`, same, "bare make", bareSame);
      await execa("docker", ["rm", "-f", shell]);
    }
  } finally {
    await execa("docker", ["rm", "-f", shell], { reject: false });
    await ours("clean");
    await removeVolumes(folder);
    await rm(folder, { recursive: true });
  }
}

async function newestIn(folder: string): Promise<string> {
  const names = await readdir(folder);
  const made = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name))).mtimeMs),
  );
  return names[made.indexOf(Math.max(...made))] ?? "";
}
