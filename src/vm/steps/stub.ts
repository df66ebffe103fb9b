import type { Container, ContainerInfo, PublishedPort } from "../../engine/engine.js";
import { INSIDE, UNPRIVILEGED } from "../../core/plan/names.js";
import { isGdbPort } from "../../core/plan/ports.js";
import type { Context } from "../../core/steps/context.js";
import { smallFile } from "./vm-end.js";

/** Long enough for an engine under load; the stub itself answers in a millisecond. */
const TALK_MS = 10_000;

/** As /proc/net/tcp spells them. */
const ESTABLISHED = "01";
const GDB_PORT = INSIDE.gdbPort.toString(16).toUpperCase().padStart(4, "0");

/**
 * The packet that takes out every breakpoint and lets the guest go on: "D" and its checksum. With the process's number,
 * which QEMU wants once any debugger has spoken of several.
 */
const DETACH = "$D;1#b0";

/**
 * Why QEMU has no gdbstub although its port is published: what would keep guests and other containers from that port could
 * not be set up. undefined where there is one.
 */
export async function whyNoStub(
  { signal }: Pick<Context, "signal">,
  vm: Container,
): Promise<string | undefined> {
  return (await smallFile(vm, INSIDE.noGdbserver, signal))?.trim();
}

/** Where the gdbserver of a VM that runs is published; undefined where it has none. */
export async function publishedStub(
  ctx: Context,
  { id, ports }: Pick<ContainerInfo, "id" | "ports">,
): Promise<PublishedPort | undefined> {
  const port = ports.find(isGdbPort);
  if (port === undefined) return undefined;
  const engine = await ctx.engine();
  return (await whyNoStub(ctx, engine.container(id))) === undefined ? port : undefined;
}

/**
 * Where the debugger that QEMU's gdbstub serves is: "127.0.0.1" for one in a container of kdock's, else the address that
 * the VM's container sees; undefined when there is none. The stub serves one at a time.
 */
export async function stubClient(vm: Container): Promise<string | undefined> {
  const table = await output(vm, ["cat", "/proc/net/tcp", "/proc/net/tcp6"]);
  for (const line of table.split("\n")) {
    const [, local = "", remote = "", state] = line.trim().split(/\s+/);
    if (state === ESTABLISHED && local.endsWith(`:${GDB_PORT}`)) return addressOf(remote);
  }
  return undefined;
}

/** "0100007F:1234" → "127.0.0.1": IPv4, also where it is mapped into IPv6, least significant byte first. */
export function addressOf(text: string): string {
  const hex = (text.split(":")[0] ?? "").slice(-8);
  const bytes = hex.match(/../g) ?? [];
  return bytes
    .reverse()
    .map((byte) => parseInt(byte, 16))
    .join(".");
}

/** Takes out all breakpoints and lets the guest go on, which a debugger that was killed did not do. */
export async function releaseStub(vm: Container): Promise<void> {
  const exec = await vm.exec(["socat", "-t1", "-", `TCP:127.0.0.1:${INSIDE.gdbPort}`], {
    tty: false,
    signal: AbortSignal.timeout(TALK_MS),
    user: UNPRIVILEGED,
  });
  exec.stream.end(DETACH);
  for await (const chunk of exec.stream) if (String(chunk).includes("OK")) break;
  exec.stream.destroy();
}

async function output(vm: Container, command: readonly string[]): Promise<string> {
  const exec = await vm.exec(command, { tty: false, signal: AbortSignal.timeout(TALK_MS) });
  let text = "";
  for await (const chunk of exec.stream) text += String(chunk);
  return text;
}
