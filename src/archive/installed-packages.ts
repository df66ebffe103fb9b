import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { FROM_MMDEBSTRAP } from "./archive-source.js";
import { readTar } from "./read-tar.js";
import { plainPath } from "./tar-fingerprint.js";

/** Package → version, from dpkg's database in a root file system's tar; empty if there is none. */
export async function installedPackages(archive: Readable): Promise<Record<string, string>> {
  let status = "";
  await readTar(
    archive,
    async ({ name }, content) => {
      if (plainPath(name) === "var/lib/dpkg/status") status = await text(content);
    },
    FROM_MMDEBSTRAP,
  );
  const stanzas = status.split("\n\n").filter((stanza) => /^Status: .* installed$/m.test(stanza));
  return Object.fromEntries(
    stanzas.map((stanza) => [field(stanza, "Package"), field(stanza, "Version")]),
  );
}

function field(stanza: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1] ?? "";
}
