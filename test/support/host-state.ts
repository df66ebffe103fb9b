import { kdock } from "./kdock.js";
import { LAB } from "./lab.js";
import type { PrivateEngine } from "./private-engine.js";

/**
 * Links, addresses, routes, rules and settings, one fact a line. How many connections are tracked is no setting, nor is
 * whether anybody is plugged into the engine's bridge, nor its MTU, which follows those who are, nor the key that the kernel makes when a server asks for it.
 */
const STATE = `
for what in link addr route "-6 route" rule "-6 rule"; do
  ip -o $what | sed -E "s/NO-CARRIER,|,LOWER_UP| tentative| state [A-Z]+| linkdown//g; s/( docker0: .*) mtu [0-9]+/\\1/; s/^/ip $what: /"
done
for rules in iptables ip6tables; do
  $rules-save | sed -E "s/\\[[0-9]+:[0-9]+\\]$//; /^# (Generated|Completed)/d; /^COMMIT/d; s/^/$rules: /"
done
grep -rs "" /proc/sys/net | grep -Ev "^/proc/sys/net/(netfilter/nf_conntrack_count|ipv4/tcp_fastopen_key|ipv6/conf/docker0/mtu):"`;

/** What the network of an engine's host is like. */
async function hostState(engine: PrivateEngine): Promise<Set<string>> {
  return new Set((await engine.onHost("sh", "-c", STATE)).split("\n"));
}

/** What is otherwise on the host than it was. */
export async function hostChanges(engine: PrivateEngine, before: ReadonlySet<string>) {
  const now = await hostState(engine);
  return {
    more: [...now].filter((line) => !before.has(line)),
    gone: [...before].filter((line) => !now.has(line)),
  };
}

/** The same, and what of kdock the engine still knows. */
export async function remains(engine: PrivateEngine, before: ReadonlySet<string>) {
  const named = ["--filter", "name=kdock-"];
  return {
    ...(await hostChanges(engine, before)),
    containers: await engine.docker("ps", "-a", "--format", "{{.Names}} {{.Status}}", ...named),
    networks: await engine.docker("network", "ls", "--format", "{{.Name}}", ...named),
  };
}

export const NO_CHANGES = { more: [], gone: [] };
export const NOTHING = { ...NO_CHANGES, containers: "", networks: "" };

/** Brings the lab's image to an engine. Resolves with what its host is like before there is any VM. */
export async function readyForLab(engine: PrivateEngine): Promise<Set<string>> {
  const { stdout } = await kdock(["--json", "plan"], { cwd: LAB });
  const [image] = /kdock\/vm:[\da-f]+/.exec(stdout) ?? [];
  if (image === undefined) throw new Error(`no image in ${stdout}`);
  await engine.take(image);
  // The engine's bridge keeps the link-local address that it has from its first container on.
  await engine.docker("run", "--rm", "--entrypoint", "true", image);
  const state = await hostState(engine);
  if (state.size < 300) throw new Error(`no state: ${[...state].join("\n")}`);
  return state;
}
