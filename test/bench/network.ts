import { execa } from "execa";
import { vmPlan } from "../../src/vm/plan/vm-plan.js";
import { LAB } from "../support/lab.js";
import { config, kdock, plan, times } from "./common.js";

/**
 * What the guest sends to another container and gets from it, through bridge and MASQUERADE: kdock's guest against one in
 * a QEMU that was started by hand in the same image, as the article does, on a tap like ours. In turns, so that the
 * machine's noise is in both. Target: 5 %.
 */
export async function network(): Promise<void> {
  await kdock("stop");
  await kdock("run", "-d", "--gdb", "0");
  const image = `kdock-bench/${plan.names.id}`;
  await makeImage(image);
  const peer = `${plan.names.id}-bench-peer`;
  const wire = plan.names.network;
  await execa("docker", [
    ...["run", "-d", "--rm", "--name", peer, "--network", wire, "--entrypoint", "sh", image, "-c"],
    `socat -U TCP-LISTEN:${TOOL_PORT},fork,reuseaddr FILE:${TOOL},rdonly & exec iperf3 -s`,
  ]);
  const bare = new BareGuest(`${plan.names.id}-bench-qemu`, wire);
  try {
    const { stdout: address } = await execa("docker", [
      ...["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", peer],
    ]);
    const fetchTool = `nc ${address} ${TOOL_PORT} </dev/null | tar -x -C /`;
    await kdock("exec", "--", "sh", "-c", fetchTool);
    await bare.start(fetchTool);
    for (const [what, flag] of DIRECTIONS) {
      const command = `iperf3 -c ${address} -t ${SECONDS} -f k ${flag}`;
      const pairs: Pair[] = [];
      for (let run = 0; run < PAIRS; run += 1) {
        const measureOurs = async () =>
          received((await kdock("exec", "--", "sh", "-c", command)).stdout);
        const measureBare = async () => received(await bare.run(command));
        // Whoever comes second finds another machine: each does as often.
        if (run % 2 === 0) {
          const ours = await measureOurs();
          pairs.push({ ours, bare: await measureBare() });
        } else {
          const bareRate = await measureBare();
          pairs.push({ ours: await measureOurs(), bare: bareRate });
        }
      }
      tell(what, pairs);
    }
  } finally {
    await bare.end();
    await execa("docker", ["rm", "-f", peer]);
    await execa("docker", ["rmi", "-f", image]);
    await kdock("stop");
  }
}

interface Pair {
  readonly ours: number;
  readonly bare: number;
}

const DIRECTIONS = [
  ["guest to container", ""],
  ["container to guest", "-R"],
] as const;
const PAIRS = times(15);
const SECONDS = 1;
const TOOL = "/iperf3.tar";
const TOOL_PORT = 9000;

/** The VM's image with iperf3, and what a guest needs of it in one archive. */
async function makeImage(tag: string): Promise<void> {
  // The last one is loaded when a thread is to end.
  const libraries = "$(ldd /usr/bin/iperf3 | grep -o '/[^ ]*') /lib/x86_64-linux-gnu/libgcc_s.so.1";
  const lines = [
    `FROM ${plan.vmImage.tag}`,
    "RUN apt-get update -q && apt-get install -qy --no-install-recommends iperf3",
    `RUN tar -chf ${TOOL} /usr/bin/iperf3 ${libraries}`,
  ];
  await execa("docker", ["build", "-t", tag, "-"], { input: lines.join("\n") });
}

/** The article's network and a plain QEMU, whose guest is a shell on the serial line. */
class BareGuest {
  readonly #name: string;
  readonly #network: string;
  #console: ReturnType<typeof attach> | undefined;
  #said = "";
  #commands = 0;

  constructor(name: string, network_: string) {
    this.#name = name;
    this.#network = network_;
  }

  async start(prepare: string): Promise<void> {
    const mode = { paused: false, command: false };
    const ours =
      vmPlan(config, plan, mode).attempts.findLast(({ without }) => without === undefined)
        ?.container.command ?? [];
    const same = ["-smp", "-m"].flatMap((flag) => [flag, ours[ours.indexOf(flag) + 1] ?? ""]);
    const script = [
      "ip link add br0 type bridge && ip addr add 10.0.3.1/24 dev br0 && ip link set br0 up",
      "ip tuntap add dev tap0 mode tap && ip link set tap0 master br0 up",
      "iptables -t nat -A POSTROUTING -s 10.0.3.0/24 ! -o br0 -j MASQUERADE",
      'exec qemu-system-x86_64 -accel kvm -accel tcg -cpu max -nodefaults -display none -serial stdio "$@"',
    ].join(" && ");
    const line = "console=ttyS0 nokaslr no_timer_check panic=-1 quiet rdinit=/bin/sh";
    await execa("docker", [
      ...["create", "-i", "--rm", "--name", this.#name, "--network", this.#network],
      ...["--cap-add", "NET_ADMIN", "--device", "/dev/net/tun", "--sysctl"],
      ...["net.ipv4.ip_forward=1", "--entrypoint", "sh", plan.vmImage.tag, "-c", script, "sh"],
      ...[...same, "-kernel", "/artifacts/bzImage", "-initrd", "/artifacts/rootfs.cpio"],
      ...["-append", line, "-netdev", "tap,id=net0,ifname=tap0,script=no,downscript=no"],
      ...["-device", "virtio-net-pci,netdev=net0"],
    ]);
    for (const file of ["kernel/bzImage", "rootfs/rootfs.cpio"]) {
      const from = `${LAB}/.kdock/out/current/${file}`;
      await execa("docker", ["cp", "-L", from, `${this.#name}:/artifacts/`]);
    }
    this.#console = attach(this.#name);
    this.#console.stdout.on("data", (chunk: Buffer) => {
      this.#said += chunk.toString("latin1");
    });
    await this.run("mount -t proc proc /proc; mount -t devtmpfs dev /dev; stty -echo");
    await this.run("ip addr add 10.0.3.2/24 dev eth0; ip link set lo up; ip link set eth0 up");
    await this.run(`ip route add default via 10.0.3.1; ${prepare}`);
  }

  /** What the command says. */
  async run(command: string): Promise<string> {
    if (this.#console === undefined) throw new Error("not started");
    this.#commands += 1;
    // Written so that its echo is another text.
    const end = `end-${this.#commands}-`;
    this.#said = "";
    this.#console.stdin.write(`${command}; echo end-"${this.#commands}"-\n`);
    const until = performance.now() + BARE_MS;
    while (!this.#said.includes(end)) {
      if (performance.now() > until) throw new Error(`no end of ${command}: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#said;
  }

  async end(): Promise<void> {
    await execa("docker", ["rm", "-f", this.#name], { reject: false });
    await this.#console;
  }
}

const BARE_MS = 60_000;

const attach = (container: string) =>
  execa("docker", ["start", "-ai", container], { reject: false, buffer: false });

/** Mbit/s of what arrived, by iperf3's last line but one. */
function received(said: string): number {
  const kilobits = /([\d.]+) Kbits\/sec\s+receiver/.exec(said)?.[1];
  if (kilobits === undefined) throw new Error(`iperf3 said: ${said}`);
  return Number(kilobits) / 1000;
}

function tell(what: string, pairs: readonly Pair[]): void {
  const middle = (values: readonly number[]) =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  const ours = middle(pairs.map((pair) => pair.ours)).toFixed(0);
  const bare = middle(pairs.map((pair) => pair.bare)).toFixed(0);
  const ratios = pairs.map((pair) => pair.ours / pair.bare);
  const each = ratios.map((ratio) => ratio.toFixed(2)).join(" ");
  process.stdout.write(
    `${what.padEnd(34)} ${ours.padStart(6)} Mbit/s   bare QEMU, a tap like it ${bare.padStart(6)} Mbit/s   ×${middle(ratios).toFixed(2)}  (pairs: ${each})\n`,
  );
}
