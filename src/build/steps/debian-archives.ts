import { KdockError } from "../../core/errors.js";
import type { Context } from "../../core/steps/context.js";

/** Uses apt's configuration: proxies, credentials, redirects. */
const APT_HELPER = "/usr/lib/apt/apt-helper";
const QUICK = ["Acquire::Retries=0", "Acquire::http::Timeout=10", "Acquire::https::Timeout=10"];

/**
 * The lines of sources.list for a suite, with updates and security updates if the archive has these; images/apt/debian.sh writes
 * the same in containers. `folder` is for a temporary file.
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
    if (await hasSuite(ctx, from, name, folder)) lines.push(line(from, name));
  return lines;
}

/** Mirrors have security updates in a folder beside the main archive. */
function securityBeside(address: string): string | undefined {
  const beside = address.replace(/\/debian(?=\/|$)/, "/debian-security");
  return beside === address ? undefined : beside;
}

async function hasSuite(
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
