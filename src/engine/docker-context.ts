import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { KdockError, messageOf } from "../errors.js";
import { parseEndpoint, type Endpoint, type Tls } from "./endpoint.js";

/** A file's text; undefined when there is no such file. */
export type ReadFile = (path: string) => string | undefined;

const ConfigFile = z.object({ currentContext: z.string().optional() });
const ContextMeta = z.object({
  Endpoints: z.object({
    docker: z.object({ Host: z.string(), SkipTLSVerify: z.boolean().optional() }),
  }),
});

/** What `docker context use` chose. */
export function currentContext(configDir: string, readFile: ReadFile): string | undefined {
  const path = join(configDir, "config.json");
  const text = readFile(path);
  if (text === undefined) return undefined;
  const context = parse(ConfigFile, text, path).currentContext;
  return context === "" ? undefined : context;
}

/** The engine of a context that `docker context create` made. */
export function contextEndpoint(name: string, configDir: string, readFile: ReadFile): Endpoint {
  const id = createHash("sha256").update(name).digest("hex");
  const path = join(configDir, "contexts/meta", id, "meta.json");
  const text = readFile(path);
  if (text === undefined) {
    throw new KdockError("environment", `there is no docker context ${JSON.stringify(name)}`, {
      hint: "Run `docker context ls` to see those there are.",
    });
  }
  const { Host, SkipTLSVerify } = parse(ContextMeta, text, path).Endpoints.docker;
  const tls = readTls(
    join(configDir, "contexts/tls", id, "docker"),
    readFile,
    SkipTLSVerify !== true,
  );
  const isPlain = tls.ca === undefined && tls.cert === undefined && SkipTLSVerify !== true;
  return parseEndpoint(Host, isPlain ? undefined : tls, `docker context ${name}`);
}

export function readTls(folder: string, readFile: ReadFile, verify: boolean): Tls {
  return {
    ca: readFile(join(folder, "ca.pem")),
    cert: readFile(join(folder, "cert.pem")),
    key: readFile(join(folder, "key.pem")),
    verify,
  };
}

function parse<T>(schema: z.ZodType<T>, text: string, path: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${path} is not what docker writes: ${messageOf(cause)}`;
    throw new KdockError("environment", message, { cause });
  }
}
