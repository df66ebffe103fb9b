import { createServer, type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { portIsFree, portOwner } from "../../../src/host/ports.js";

async function listening(use: (port: number) => Promise<void>): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  return port;
}

it("portIsFree distinguishes a port in use from a free one", async () => {
  const port = await listening(async (taken) => {
    expect(await portIsFree("127.0.0.1", taken)).toBe(false);
    expect(await portIsFree("0.0.0.0", taken)).toBe(false);
  });
  expect(await portIsFree("127.0.0.1", port)).toBe(true);
});

it("portIsFree is true for an address that this machine does not have", async () => {
  expect(await portIsFree("192.0.2.1", 4711)).toBe(true);
});

it.runIf(process.platform === "linux")("names who listens on a port", async () => {
  const port = await listening(async (taken) => {
    expect(await portOwner(taken)).toMatch(new RegExp(`^\\S.* \\(pid ${process.pid}\\)$`));
  });
  expect(await portOwner(port)).toBeUndefined();
});
