import { packTar, type TarEntry } from "../../archive/tar.js";
import { KdockError } from "../../core/errors.js";
import { variablesFile } from "../plan/make-variables.js";
import { moduleName, requireModules, withUserPaths } from "../plan/module-folder.js";
import { moduleContainer } from "../../build/plan/module-plan.js";
import { moduleKeyFile } from "../../build/plan/build-plan.js";
import { sha256 } from "../../core/plan/keys.js";
import type { Manifest, ManifestFile } from "../../core/plan/manifest.js";
import { BUILDER_UID, belowInput, FOLDER, INSIDE, labels } from "../../core/plan/names.js";
import { SOURCE_NOTE } from "../../build/plan/tree-plan.js";
import { kernelKeyOf } from "../../vm/plan/vm-facts.js";
import type { Project } from "../../build/project.js";
import {
  artifactFolder,
  readKernelConfig,
  readManifest,
  storeArtifacts,
} from "../../core/steps/artifact-store.js";
import { build } from "../../build/steps/build.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, projectMutex } from "../../core/steps/context.js";
import { extractFolder } from "../../build/steps/extract.js";
import { writeGdbScripts } from "../../build/steps/gdb-script.js";
import { readModuleFolder, type ReadFolder } from "./module-folder.js";
import { type BuiltModule, requireModule } from "../../build/steps/module-store.js";
import { fetchSource, secretFiles } from "../../build/steps/run-build.js";
import { MODULE_EXIT } from "../../core/plan/script-exits.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep, type StepLog } from "../../core/steps/run-step.js";
import { findRunningVm } from "../../vm/steps/vms.js";

export interface ModuleRequest {
  /** Absolute. */
  readonly folder: string;
  /** The folder as typed, for messages. */
  readonly shown: string;
  readonly name: string | undefined;
  /** "NAME=value", for make. */
  readonly variables: readonly string[];
  /** Build for the kernel that this VM runs (`name` undefined: the only one); without `vm`: for kdock.yaml's kernel. */
  readonly vm: { readonly name: string | undefined } | undefined;
}

/** Builds an out-of-tree module against the kernel, which is built first if it is out of date. */
export async function buildModule(project: Project, request: ModuleRequest): Promise<BuiltModule> {
  const { ctx, config } = project;
  const name = moduleName(request.folder, request.name);
  const folder = await readModuleFolder(ctx, request.folder, request.shown);
  if (config.kernel.set["CONFIG_MODULES"] === "n") requireModules("", config.kernel.source);
  const running =
    request.vm === undefined ? undefined : await findRunningVm(ctx, project.plan, request.vm.name);
  const { project: built, key } =
    running === undefined
      ? await builtKernel(project)
      : await kernelOfVm(project, kernelKeyOf(running.info.labels, project.plan));
  await using _mutex = await projectMutex(ctx);
  return await buildFor(built, request, { name, folder, key });
}

async function builtKernel(project: Project): Promise<{ project: Project; key: string }> {
  const options = { targets: ["kernel"], noCache: false, frozen: false } as const;
  const { project: built } = await build(project, options);
  return { project: built, key: built.plan.kernel.key };
}

/** A VM's kernel may differ from the one in kdock.yaml; source, compiler and architecture must be the same. */
async function kernelOfVm(
  project: Project,
  key: string,
): Promise<{ project: Project; key: string }> {
  const { ctx, plan } = project;
  if (key === plan.kernel.key) return builtKernel(project);
  const manifest = await readManifest(ctx, "kernel", key);
  if (manifest === undefined) {
    throw new KdockError("usage", `the artifacts of the running kernel (${key}) were removed`, {
      hint: RESTART_HINT,
    });
  }
  for (const input of ["source", "toolchain", "arch"]) {
    const [running, configured] = [manifest.inputs[input], plan.kernel.inputs[input]];
    if (running === undefined || running === configured) continue;
    throw new KdockError(
      "usage",
      `the VM runs a kernel of another ${input}: ${String(running)}; kdock.yaml has ${String(configured)}`,
      { hint: RESTART_HINT },
    );
  }
  return { project, key };
}

const RESTART_HINT = "`kdock stop` and `kdock run -d` start the kernel of kdock.yaml.";

interface ModuleJob {
  readonly name: string;
  readonly folder: ReadFolder;
  readonly key: string;
}

async function buildFor(
  { ctx, plan, user }: Project,
  { folder: source, shown, variables }: ModuleRequest,
  { name, folder, key }: ModuleJob,
): Promise<BuiltModule> {
  const kernel = artifactFolder(ctx, "kernel", key);
  const manifest = await readManifest(ctx, "kernel", key);
  const release = manifest?.resolved["release"] ?? "";
  requireModules((await readKernelConfig(ctx, key)) ?? "", plan.kernel.title);
  await ensureImage(ctx, plan.kernel.image, { noCache: false });
  const sourceNote = plan.kernel.files[SOURCE_NOTE];
  const input = (path: string, content: Uint8Array): TarEntry => ({
    ...{ path, kind: "file", mode: 0o644, content },
  });
  const inside = belowInput(INSIDE.modulesInput);
  const entries = [
    input(belowInput(INSIDE.moduleKit), await kitOf(ctx, kernel)),
    // Only for a local tree.
    ...(sourceNote === undefined ? [] : [input(SOURCE_NOTE, Buffer.from(sourceNote))]),
    input(belowInput(INSIDE.makeVariables), Buffer.from(variablesFile(variables))),
    ...secretFiles({ secrets: moduleKeyFile(user), uid: BUILDER_UID }),
    { path: inside, kind: "directory", mode: 0o755 } as const,
    ...folder.entries.map((entry) => ({ ...entry, path: `${inside}/${entry.path}` })),
  ];
  const paths = { inside: `${INSIDE.modules}/${name}`, shown, paths: folder.paths };
  await runStep(ctx, "module", `module ${name} for Linux ${release}`, async (log) => {
    const userLog: StepLog = {
      ...log,
      line: (text) => {
        log.line(withUserPaths(text, paths));
      },
    };
    const spec = moduleContainer(plan.kernel, plan.names, name, key);
    await storeArtifacts(
      ctx,
      {
        ...{
          stage: "module",
          key: name,
          inputs: { kernel: key, ...makeInputs(variables), ...digests(folder) },
        },
        resolved: { folder: source, release },
      },
      async (to) => {
        let made: ManifestFile[] = [];
        const engine = await ctx.engine();
        await engine.ensureVolume(plan.names.moduleVolume, labels("modules", plan.names.id));
        const run = () =>
          runContainer(ctx, spec, {
            prepare: (container) => container.putArchive(INSIDE.input, packTar(entries)),
            onLine: (line) => {
              if (!line.startsWith("@kdock")) userLog.line(line);
            },
            collectOutput: async (container) => {
              made = await extractFolder(ctx, container, INSIDE.output, to, log);
            },
          });
        let exitCode = await run();
        if (exitCode === MODULE_EXIT.otherSource) {
          // `kdock clean --all` removed the source, or the last build had other patches.
          await fetchSource(ctx, plan.kernel, log);
          exitCode = await run();
        }
        if (exitCode !== 0) throw moduleError(name, exitCode);
        return made;
      },
    );
    return { value: undefined, cached: false };
  });
  await writeGdbScripts(ctx, plan);
  return requireModule(ctx, name);
}

async function kitOf(ctx: Context, kernel: string): Promise<Uint8Array> {
  const path = `${kernel}/${FOLDER.moduleKit}`;
  if (await ctx.host.files.exists(path)) return ctx.host.files.readBytes(path);
  throw new KdockError(
    "usage",
    "an older kdock built this kernel, without the kit to build modules against",
    {
      hint: "Build it again: `kdock build --no-cache kernel`.",
    },
  );
}

function makeInputs(variables: readonly string[]): Manifest["inputs"] {
  return variables.length === 0 ? {} : { make: variables };
}

function digests({ entries }: ReadFolder): Manifest["inputs"] {
  return Object.fromEntries(
    entries.map((entry) => {
      const content =
        "content" in entry && Buffer.isBuffer(entry.content) ? entry.content : Buffer.alloc(0);
      return [`file ${entry.path}`, sha256(content)];
    }),
  );
}

function moduleError(name: string, exitCode: number): KdockError {
  switch (exitCode) {
    case MODULE_EXIT.refused:
      return new KdockError("config", `the builder refused the module ${name}`, {
        hint: "The lines above say why.",
      });
    case MODULE_EXIT.otherSource:
      return new KdockError(
        "build",
        "the source volume does not hold the source that this kernel was built from",
        {
          hint: "Run `kdock build`, then restart the VM.",
        },
      );
    default:
      return new KdockError("build", `the module ${name} does not build (exit code ${exitCode})`, {
        hint: `The lines above are from the build's log, ${FOLDER.logs}/module.log.`,
      });
  }
}
