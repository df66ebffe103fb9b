import { createConnection } from "node:net";

/** What a port of this machine says, once something behind it listens. */
export async function answerOf(port: number, address = "127.0.0.1"): Promise<string> {
  for (const limit = Date.now() + 10_000; ;) {
    let said = "";
    try {
      for await (const chunk of createConnection(port, address)) said += String(chunk);
    } catch (error) {
      if (Date.now() > limit) throw error;
    }
    if (said !== "" || Date.now() > limit) return said;
  }
}
