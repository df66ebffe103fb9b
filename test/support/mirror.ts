import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { docker } from "./kdock.js";

/** A web server that containers of the engine reach, laid out like kernel.org's, with the faults that mirrors have. */
export interface Mirror extends AsyncDisposable {
  /** The address of the folder of that name: what kernel.mirrors takes. */
  at(name: string): string;
  /** An address of this machine where nobody listens. */
  readonly down: string;
  /** By path below the folder: "good/v6.x/linux-6.12.3.tar.xz". */
  readonly files: Map<string, Buffer>;
  /** What a request for a path gets instead of the file, in the order in which they come; then the file again. */
  readonly faults: Map<string, Fault[]>;
  /** "GET good/v6.x/linux-6.12.3.tar.xz bytes=100-" */
  readonly requests: string[];
}

export type Fault =
  /** The connection is cut after so many bytes. */
  | { readonly cutAfter: number }
  /** So many bytes, and then nothing more. */
  | { readonly hangAfter: number }
  | { readonly status: number }
  | { readonly redirect: string };

/** `image` is any that the engine has, with `cat` in it. */
export async function openMirror(image: string): Promise<Mirror> {
  const files = new Map<string, Buffer>();
  const faults = new Map<string, Fault[]>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/").slice(1);
    requests.push([request.method, path, request.headers.range].filter(Boolean).join(" "));
    const fault = faults.get(path)?.shift();
    if (fault !== undefined) misbehave(fault, request, files.get(path), response);
    else serve(request, response, files, path);
  });
  const host = await bridgeAddress(image);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const base = `http://${host}:${String((server.address() as AddressInfo).port)}`;
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, host, resolve));
  const down = `http://${host}:${String((closed.address() as AddressInfo).port)}/down`;
  await new Promise((resolve) => closed.close(resolve));
  return {
    ...{ files, faults, requests, down },
    at: (name) => `${base}/${name}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** This machine, as containers on the engine's default bridge see it: their way out. */
async function bridgeAddress(image: string): Promise<string> {
  const routes = await docker("run", "--rm", "--entrypoint", "cat", image, "/proc/net/route");
  const way = routes.split("\n").map((line) => line.split("\t"));
  const hex = way.find(([, to, via]) => to === "00000000" && via !== "00000000")?.[2] ?? "";
  return [...Buffer.from(hex, "hex")].reverse().join(".");
}

function misbehave(
  fault: Fault,
  request: IncomingMessage,
  content: Buffer | undefined,
  response: ServerResponse,
): void {
  if ("status" in fault) response.writeHead(fault.status).end();
  else if ("redirect" in fault) response.writeHead(302, { location: fault.redirect }).end();
  else {
    const rest = begin(request, content ?? Buffer.alloc(0), response);
    response.write(rest.subarray(0, "cutAfter" in fault ? fault.cutAfter : fault.hangAfter), () => {
      if ("cutAfter" in fault) setTimeout(() => response.destroy(), 200);
    });
  }
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReadonlyMap<string, Buffer>,
  path: string,
): void {
  const content = files.get(path) ?? listing(files, path);
  if (content === undefined) return void response.writeHead(404).end();
  if (startOf(request) >= content.length) return void response.writeHead(416).end();
  const rest = begin(request, content, response);
  response.end(request.method === "HEAD" ? undefined : rest);
}

function startOf({ headers }: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
}

/** The head of an answer; returns what is left to be sent. */
function begin(request: IncomingMessage, content: Buffer, response: ServerResponse): Buffer {
  const from = startOf(request);
  const rest = content.subarray(from);
  const range = `bytes ${String(from)}-${String(content.length - 1)}/${String(content.length)}`;
  const head = { "content-length": rest.length };
  response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...head, "content-range": range } : head);
  return rest;
}

/** As nginx writes them. */
function listing(files: ReadonlyMap<string, Buffer>, path: string): Buffer | undefined {
  if (!path.endsWith("/")) return undefined;
  const names = [...files.keys()].filter((name) => name.startsWith(path));
  if (names.length === 0) return undefined;
  const links = names.map((name) => {
    const text = name.slice(path.length);
    return `<a href="${text}">${text}</a>   14-Jan-2026 10:00   1234`;
  });
  return Buffer.from(`<html><pre>${links.join("\n")}</pre></html>`);
}
