import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Container, isOnThisMachine, type PublishedPort } from "../../../engine/engine.js";
import { type ContainerFacts, counter } from "../../plan/net-check/facts.js";
import type { InwardProbe, PortProbe } from "../../plan/net-check/inward.js";
import { AFTER_FAILURE } from "../../plan/net-check/scene.js";
import type { Context } from "../../../core/steps/context.js";
import { askGuest } from "../../../guest/steps/guest-script.js";
import { UNPRIVILEGED } from "../../../core/plan/names.js";
import { runInside } from "../../../core/steps/run-inside.js";
import type { AskedGuest } from "./guest.js";

const CONNECT_TIMEOUT_MS = 3000;
const RETRY_INTERVAL_MS = 100;
/** The listener's maximum life, should kdock be killed. */
const LISTEN_SECONDS = 8;

const SIGTERM = 15;

/** A program in the guest that sends a random token to every client. Disposing of it ends it. */
interface Listener extends AsyncDisposable {
  readonly token: string;
}

function listen(guest: AskedGuest, protocol: "tcp" | "udp", port: number): Listener {
  const token = `kdock-${randomBytes(6).toString("hex")}`;
  const program =
    protocol === "tcp"
      ? ["nc", "-l", "-p", String(port), "-e", "echo", token]
      : ["udpsvd", "0.0.0.0", String(port), "echo", token];
  const argv = ["timeout", String(LISTEN_SECONDS), ...program] as [string, ...string[]];
  const command = guest.session.exec({ argv, env: {}, cwd: "/" });
  command.stdin.end();
  command.stdout.resume();
  command.stderr.resume();
  return {
    token,
    async [Symbol.asyncDispose]() {
      command.signal(SIGTERM);
      // If the guest has ended, so has the listener.
      await command.exit.catch(() => undefined);
    },
  };
}

/** Runs in the VM's container: connects to $1:$2 until it receives $3; prints the microseconds, or socat's error. */
const CONNECT_SCRIPT = `
for try in 1 2 3 4 5 6 7 8 9 10; do
  begun=$(date +%s%N)
  output=$(socat -T2 -u "TCP:$1:$2,connect-timeout=2" - 2>&1 </dev/null)
  ended=$(date +%s%N)
  case "$output" in
    *"$3"*) echo "us $(( (ended - begun) / 1000 ))"; exit 0 ;;
    *refused*) sleep 0.1 ;;
    *) break ;;
  esac
done
echo "$output" | tail -n 1
exit 0
`;

/** The number of IP packets that the guest has received. */
async function receivedPackets({ session }: AskedGuest): Promise<number> {
  return counter((await askGuest(session, "cat /proc/net/snmp")).join("\n"), "Ip", "InReceives");
}

/** Connects from the VM's container to a listener in the guest. */
export async function connectToGuest(
  container: Container,
  guest: AskedGuest,
  to: string,
): Promise<InwardProbe> {
  let port = randomInt(20_000, 30_000);
  while (guest.facts.listening.has(`tcp/${port}`)) port += 1;
  const before = await receivedPackets(guest);
  await using listener = listen(guest, "tcp", port);
  const { stdout } = await runInside(
    container,
    ["sh", "-c", CONNECT_SCRIPT, "sh", to, String(port), listener.token],
    { signal: guest.signal, user: UNPRIVILEGED },
  );
  const us = /^us (\d+)$/m.exec(stdout)?.[1];
  const after = await receivedPackets(guest);
  return {
    ms: us === undefined ? undefined : Number(us) / 1000,
    error: us === undefined ? stdout.trim() : "",
    arrived: after > before,
  };
}

/** Connects from the host through a published port, unless a program in the guest listens there, which may accept one client only. */
export async function connectToPort(
  ctx: Context,
  guest: AskedGuest | undefined,
  facts: ContainerFacts,
  published: PublishedPort,
): Promise<PortProbe> {
  const { protocol, hostAddress, hostPort } = published;
  const guestPort = guestPortOf(facts, published);
  if (guest === undefined) return { kind: "not tried", why: AFTER_FAILURE };
  if (guest.facts.listening.has(`${protocol}/${guestPort}`)) return { kind: "busy" };
  const engine = await ctx.engine();
  if (!isOnThisMachine(await engine.info())) {
    return { kind: "not tried", why: "the engine's host is another machine" };
  }
  await using listener = listen(guest, protocol, guestPort);
  const target = { protocol, address: reachable(hostAddress), port: hostPort };
  let why = "no answer";
  for (const deadline = Date.now() + CONNECT_TIMEOUT_MS; Date.now() < deadline;) {
    const reply = await ctx.host.exchange(target, CONNECT_TIMEOUT_MS / 2, guest.signal);
    guest.signal.throwIfAborted();
    if (reply.text.includes(listener.token)) return { kind: "reached", ms: reply.ms ?? 0 };
    why = reply.error ?? "the connection was accepted, and closed without a reply from the guest";
    await sleep(RETRY_INTERVAL_MS, undefined, { signal: guest.signal });
  }
  return { kind: "lost", why };
}

/** An address to connect to: loopback for a port that is published on all addresses. */
function reachable(address: string): string {
  if (address === "0.0.0.0" || address === "") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}

/** The guest's port behind a published one. */
export function guestPortOf(
  facts: Pick<ContainerFacts, "published">,
  { protocol, containerPort }: PublishedPort,
): number {
  const mapping = facts.published.find(
    (each) => each.protocol === protocol && each.port === containerPort,
  );
  return mapping?.guestPort ?? containerPort;
}
