import { createConnection } from "node:net";
import { docker } from "./kdock.js";

/** What a QEMU gdbstub says to `QUESTION`. */
export const STUB_ANSWER = /PacketSize=/;
/** gdb's first packet, and one that lets the guest go on: a stub stops it for whoever connects. */
const QUESTION = "$qSupported#37+$D#44+";
export const STUB_PORT = 1234;

/** Another port where a stub is: what answers there shows that callers come that far. */
export const CONTROL_PORT = 4321;
export const CONTROL_ANSWER = "control";

/** For a guest's shell: prints what answers, or nc's complaint. */
export function callFromGuest(address: string, port: number): string {
  return `printf '${QUESTION}' | nc -w 5 ${address} ${port} 2>&1`;
}

/** The same in a container of a VM's image; IPv6 addresses are in brackets. */
export async function callFrom(container: string, address: string, port: number): Promise<string> {
  return await docker("exec", container, "sh", "-c", callByShell(address, port));
}

export function callByShell(address: string, port: number): string {
  return `printf '${QUESTION}' | socat -t5 -T5 - TCP:${address}:${port},connect-timeout=5 2>&1 || true`;
}

/** From this machine. Ends with the answer, or with why there is none. */
export function callFromHere(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(port, address);
    let said = "";
    const end = () => {
      socket.destroy();
      resolve(said);
    };
    socket.setTimeout(5000, end);
    socket.on("connect", () => socket.write(QUESTION));
    socket.on("error", ({ message }) => (said += message));
    socket.on("close", end);
    socket.on("data", (data) => {
      said += String(data);
      // Of the question and of "detach".
      if ((said.match(/#[0-9a-f]{2}/g) ?? []).length === 2) end();
    });
  });
}

/** Has `CONTROL_PORT` of all a container's addresses answer; resolves when it does. */
export async function listenInside(container: string, port = CONTROL_PORT): Promise<void> {
  // What is left unread would make an end of the connection a reset.
  const program = `head -c 1 >/dev/null; echo ${CONTROL_ANSWER}`;
  const server = `socat TCP6-LISTEN:${port},ipv6-v6only=0,fork,reuseaddr SYSTEM:'${program}'`;
  const isThere = `socat -u OPEN:/dev/null TCP:127.0.0.1:${port} 2>/dev/null`;
  await docker(
    ...["exec", container, "sh", "-c"],
    `${server} </dev/null >/dev/null 2>&1 & until ${isThere}; do sleep 0.1; done`,
  );
}
