import { createPrivateKey } from "node:crypto";
import { KdockError } from "../../core/errors.js";
import { hostPath } from "../../core/plan/host-path.js";
import { sha256 } from "../../core/plan/keys.js";
import type { ModuleKey } from "../plan/user-files.js";
import { Secret } from "../../core/secret.js";
import type { EarlyContext } from "../../core/steps/context.js";
import { missingFile } from "../../core/steps/read-named-file.js";

/**
 * The file that `kernel.moduleKey` names. It must hold an RSA key: its digest is in plans, manifests and keys of artifacts, and
 * a less random content could be guessed from that.
 */
export async function readModuleKey(ctx: EarlyContext, path: string): Promise<ModuleKey> {
  const full = hostPath(ctx.folder, path);
  if (!(await ctx.host.files.exists(full))) throw missingFile("kernel.moduleKey", path);
  const bytes = await ctx.host.files.readBytes(full);
  const kind = kindOfKey(bytes);
  if (kind !== "rsa") {
    const why =
      kind === undefined ? "holds no unencrypted private key in PEM form" : "holds no RSA key";
    throw new KdockError("config", `kernel.moduleKey: ${path} ${why}`, {
      hint: "`openssl req -x509 -newkey rsa:4096 -nodes -subj /CN=modules -keyout FILE -out FILE.crt; cat FILE.crt >> FILE` creates one.",
    });
  }
  return { pem: new Secret(bytes), digest: sha256(bytes) };
}

function kindOfKey(pem: Uint8Array): string | undefined {
  try {
    return createPrivateKey(Buffer.from(pem)).asymmetricKeyType;
  } catch {
    return undefined;
  }
}
