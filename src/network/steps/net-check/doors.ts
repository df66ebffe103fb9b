import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Container, isOnThisMachine, type PublishedPort } from "../../../engine/engine.js";
import { type ContainerFacts, counter } from "../../plan/net-check/facts.js";
import type { InwardProbe, PortProbe } from "../../plan/net-check/inward.js";
import type { Context } from "../../../core/steps/context.js";
import { askGuest } from "../../../guest/steps/guest-script.js";
import { UNPRIVILEGED } from "../../../core/plan/names.js";
import { runInside } from "../../../core/steps/run-inside.js";
import type { AskedGuest } from "./guest.js";

/** For how long a listener in the guest is tried, and for how long it is there at most. */
const TRY_MS = 3000;
const LISTEN_SECONDS = 8;
const TRY_EVERY_MS = 100;

const SIGTERM = 15;

/** A program in the guest that greets whoever calls, with a word of its own. Disposing of it ends it. */
interface Listener extends AsyncDisposable {
  readonly word: string;
}

function listen(guest: AskedGuest, protocol: "tcp" | "udp", port: number): Listener {
  const word = `kdock-${randomBytes(6).toString("hex")}`;
  const program =
    protocol === "tcp"
      ? ["nc", "-l", "-p", String(port), "-e", "echo", word]
      : ["udpsvd", "0.0.0.0", String(port), "echo", word];
  const argv = ["timeout", String(LISTEN_SECONDS), ...program] as [string, ...string[]];
  const command = guest.session.exec({ argv, env: {}, cwd: "/" });
  command.stdin.end();
  command.stdout.resume();
  command.stderr.resume();
  return {
    word,
    async [Symbol.asyncDispose]() {
      command.signal(SIGTERM);
      // A guest that went away meanwhile has no listener either.
      await command.exit.catch(() => undefined);
    },
  };
}

/** Runs in the VM's container: calls $1:$2 until somebody says $3; prints microseconds, or what socat said. */
const CALL_SCRIPT = `
for try in 1 2 3 4 5 6 7 8 9 10; do
  begun=$(date +%s%N)
  said=$(socat -T2 -u "TCP:$1:$2,connect-timeout=2" - 2>&1 </dev/null)
  ended=$(date +%s%N)
  case "$said" in
    *"$3"*) echo "us $(( (ended - begun) / 1000 ))"; exit 0 ;;
    *refused*) sleep 0.1 ;;
    *) break ;;
  esac
done
echo "$said" | tail -n 1
exit 0
`;

/** How many IP packets have come to the guest. */
async function arrivals({ session }: AskedGuest): Promise<number> {
  return counter((await askGuest(session, "cat /proc/net/snmp")).join("\n"), "Ip", "InReceives");
}

/** From the VM's container to a listener in the guest. */
export async function callGuest(
  container: Container,
  guest: AskedGuest,
  to: string,
): Promise<InwardProbe> {
  let port = randomInt(20_000, 30_000);
  while (guest.facts.listening.has(`tcp/${port}`)) port += 1;
  const before = await arrivals(guest);
  await using listener = listen(guest, "tcp", port);
  const { stdout } = await runInside(
    container,
    ["sh", "-c", CALL_SCRIPT, "sh", to, String(port), listener.word],
    { signal: guest.signal, user: UNPRIVILEGED },
  );
  const us = /^us (\d+)$/m.exec(stdout)?.[1];
  const after = await arrivals(guest);
  return {
    ms: us === undefined ? undefined : Number(us) / 1000,
    complaint: us === undefined ? stdout.trim() : "",
    arrived: after > before,
  };
}

/** From the host through a published port. A program that listens there already is left alone: it may serve one caller. */
export async function callPort(
  ctx: Context,
  guest: AskedGuest | undefined,
  facts: ContainerFacts,
  published: PublishedPort,
): Promise<PortProbe> {
  const { protocol, containerPort, hostAddress, hostPort } = published;
  const mapping = facts.published.find(
    (each) => each.protocol === protocol && each.port === containerPort,
  );
  const guestPort = mapping?.guestPort ?? containerPort;
  if (guest === undefined) return { kind: "not tried", why: "because of what is wrong above" };
  if (guest.facts.listening.has(`${protocol}/${guestPort}`)) return { kind: "busy" };
  const engine = await ctx.engine();
  if (!isOnThisMachine(await engine.info())) {
    return { kind: "not tried", why: "the engine's host is another machine" };
  }
  await using listener = listen(guest, protocol, guestPort);
  const callee = { protocol, address: reachable(hostAddress), port: hostPort };
  let why = "no answer";
  for (const deadline = Date.now() + TRY_MS; Date.now() < deadline;) {
    const said = await ctx.host.exchange(callee, TRY_MS / 2, guest.signal);
    guest.signal.throwIfAborted();
    if (said.text.includes(listener.word)) return { kind: "reached", ms: said.ms ?? 0 };
    why = said.error ?? "the connection is accepted, and ends without an answer of the guest's";
    await sleep(TRY_EVERY_MS, undefined, { signal: guest.signal });
  }
  return { kind: "lost", why };
}

/** "All addresses" is nobody's; loopback is among them. */
function reachable(address: string): string {
  if (address === "0.0.0.0" || address === "") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}
