import { KdockError } from "../../core/errors.js";
import type { Context } from "../../core/steps/context.js";

/** apt knows how this machine reaches archives: proxies, credentials, redirects. */
const APT_HELPER = "/usr/lib/apt/apt-helper";
const QUICK = ["Acquire::Retries=0", "Acquire::http::Timeout=10", "Acquire::https::Timeout=10"];

/**
 * A suite of an archive as lines of sources.list, with its updates and security updates where the archive has them: what
 * images/apt/debian.sh writes down inside of containers. `folder` is for a temporary file.
 */
export async function suiteLines(
  ctx: Context,
  { address, suite, options }: { address: string; suite: string; options?: string },
  folder: string,
): Promise<string[]> {
  const line = (from: string, name: string) =>
    `deb ${options === undefined ? "" : `[${options}] `}${from} ${name} main`;
  const more: [string, string][] = [[address, `${suite}-updates`]];
  const security = securityBeside(address);
  if (security !== undefined) more.push([security, `${suite}-security`]);
  const lines = [line(address, suite)];
  for (const [from, name] of more)
    if (await offers(ctx, from, name, folder)) lines.push(line(from, name));
  return lines;
}

/** Mirrors have security updates in a folder beside the main archive. */
function securityBeside(address: string): string | undefined {
  const beside = address.replace(/\/debian(?=\/|$)/, "/debian-security");
  return beside === address ? undefined : beside;
}

async function offers(
  ctx: Context,
  address: string,
  suite: string,
  folder: string,
): Promise<boolean> {
  const release = `${address.replace(/\/$/, "")}/dists/${suite}/InRelease`;
  const argv = [
    APT_HELPER,
    ...QUICK.flatMap((option) => ["-o", option]),
    ...["download-file", release, `${folder}/offered`],
  ];
  try {
    await ctx.host.capture(argv, { signal: ctx.signal });
    return true;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!(error instanceof KdockError)) throw error;
    return false;
  }
}
