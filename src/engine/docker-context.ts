import { createHash } from "node:crypto";
import { join } from "node:path";
import { KdockError, messageOf } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import { parseEndpoint, type Endpoint, type Tls } from "./endpoint.js";

/** A file's text; undefined when there is no such file. */
export type ReadFile = (path: string) => string | undefined;

/** What `docker context use` chose. */
export function currentContext(configDir: string, readFile: ReadFile): string | undefined {
  const path = join(configDir, "config.json");
  const text = readFile(path);
  if (text === undefined) return undefined;
  const context = parse(text, path)["currentContext"] ?? "";
  if (typeof context !== "string") throw foreign(path, "currentContext is no text");
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
  const docker = objectIn(objectIn(parse(text, path), "Endpoints", path), "docker", path);
  const host = docker["Host"];
  if (typeof host !== "string") throw foreign(path, "it names no Host");
  const verify = docker["SkipTLSVerify"] !== true;
  const tls = readTls(join(configDir, "contexts/tls", id, "docker"), readFile, verify);
  const isPlain = tls.ca === undefined && tls.cert === undefined && verify;
  return parseEndpoint(host, isPlain ? undefined : tls, `docker context ${name}`);
}

export function readTls(folder: string, readFile: ReadFile, verify: boolean): Tls {
  const key = readFile(join(folder, "key.pem"));
  return {
    ca: readFile(join(folder, "ca.pem")),
    cert: readFile(join(folder, "cert.pem")),
    key: key === undefined ? undefined : new Secret(Buffer.from(key)),
    verify,
  };
}

type Json = Readonly<Record<string, unknown>>;

/** By hand: a library that checks shapes takes longer to load than the engine takes to answer. */
function parse(text: string, path: string): Json {
  try {
    const json: unknown = JSON.parse(text);
    return objectIn({ json }, "json", path);
  } catch (cause) {
    throw cause instanceof KdockError ? cause : foreign(path, messageOf(cause), cause);
  }
}

function objectIn(json: Json, key: string, path: string): Json {
  const value = json[key];
  if (typeof value === "object" && value !== null) return value as Json;
  throw foreign(path, `${key} is no object`);
}

function foreign(path: string, why: string, cause?: unknown): KdockError {
  return new KdockError("environment", `${path} is not what docker writes: ${why}`, { cause });
}
