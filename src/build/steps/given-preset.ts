import { gunzipSync } from "node:zlib";
import type { Config } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import { ARCHITECTURES } from "../../core/plan/architectures.js";
import { archProblem } from "../plan/config-arch.js";
import { presetFile } from "../plan/user-files.js";
import type { EarlyContext } from "../../core/steps/context.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { readNamedFile } from "../../core/steps/read-named-file.js";

/** Files with the configuration of the host's kernel. */
const PROC = "/proc/config.gz";
const BOOT = (release: string) => `/boot/config-${release}`;
const RELEASE = "/proc/sys/kernel/osrelease";

/** The .config of the presets `file:PATH` and `host`; undefined for kdock's presets. */
export async function givenPreset(ctx: EarlyContext, config: Config): Promise<string | undefined> {
  const { preset, arch } = config.kernel;
  const path = presetFile(config);
  if (preset !== "host" && path === undefined) return undefined;
  const { text, from } =
    path === undefined
      ? await ofHost(ctx)
      : { text: await readNamedFile(ctx, "kernel.preset", path), from: path };
  const problem = archProblem(text, arch);
  if (problem === undefined) return text;
  throw new KdockError("config", `kernel.preset: ${from}: ${problem.message}`, {
    hint: Object.hasOwn(ARCHITECTURES, problem.found)
      ? `\`--arch ${problem.found}\` (kernel.arch) builds for ${problem.found}; or take a .config for ${arch}.`
      : `kdock builds for ${Object.keys(ARCHITECTURES).join(", ")}: take a .config for ${arch}.`,
  });
}

interface Given {
  readonly text: string;
  readonly from: string;
}

async function ofHost({ host }: EarlyContext): Promise<Given> {
  if (await host.files.exists(PROC)) {
    return { text: gunzipSync(await host.files.readBytes(PROC)).toString(), from: PROC };
  }
  const release = (await host.files.readText(RELEASE))?.trim();
  const path = release === undefined ? undefined : BOOT(release);
  const text = path === undefined ? undefined : await readLooseText(host.files, path);
  if (path !== undefined && text !== undefined) return { text, from: path };
  const tried = [PROC, ...(path === undefined ? [] : [path])].join(" and ");
  throw new KdockError(
    "config",
    `kernel.preset: host: the configuration of the host's kernel is not available: there is no ${tried}`,
    {
      hint: "Copy a .config into the project and set preset: file:PATH.",
    },
  );
}
