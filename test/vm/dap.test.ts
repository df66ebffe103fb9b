import { afterAll, beforeAll, expect, it } from "vitest";
import { dapClient } from "../support/dap.js";
import { kdock } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

const SOURCE = "/src/net/ipv4/tcp_ipv4.c";

beforeAll(async () => {
  await kdock(["stop"], { cwd: LAB });
  const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", "0"], { cwd: LAB });
  expect(exitCode, stderr).toBe(0);
});
afterAll(() => kdock(["stop"], { cwd: LAB }));

it("an editor attaches, breaks in tcp_ipv4.c, inspects variables, steps, and leaves the guest running", async () => {
  const editor = dapClient(LAB);
  await editor.request("initialize", { adapterID: "gdb", linesStartAt1: true, pathFormat: "path" });
  const attached = editor.request("attach", { target: "127.0.0.1:1234" });
  await editor.event("initialized");
  // The function's first line of code, wherever this kernel has it.
  const { breakpoints } = await editor.request("setFunctionBreakpoints", {
    breakpoints: [{ name: "tcp_v4_rcv" }],
  });
  expect(breakpoints[0]?.source?.path).toBe(SOURCE);
  const line = (breakpoints[0]?.line ?? 0) + 1;
  await editor.request("setFunctionBreakpoints", { breakpoints: [] });
  const set = await editor.request("setBreakpoints", {
    source: { path: SOURCE },
    breakpoints: [{ line }],
  });
  expect(set.breakpoints[0]?.verified).toBe(true);
  await editor.request("configurationDone", {});
  await attached;
  await editor.event("stopped");
  await editor.request("continue", { threadId: 1 });

  await withGuest(LAB_NAMES.vmContainer, async (session) => {
    const connecting = inGuest(session, "nc -w 1 127.0.0.1 9 || echo refused");
    expect(await editor.event("stopped")).toMatchObject({ reason: "breakpoint" });
    const { stackFrames } = await editor.request("stackTrace", { threadId: 1 });
    const frameId = stackFrames[0]?.id ?? 0;
    expect(stackFrames[0]).toMatchObject({ name: "tcp_v4_rcv", source: { path: SOURCE } });
    expect(stackFrames.map(({ name }) => name)).toContain("ip_local_deliver_finish");
    const { scopes } = await editor.request("scopes", { frameId });
    expect(scopes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Arguments", "Locals", "Registers"]),
    );
    const { variables } = await editor.request("variables", {
      variablesReference: scopes[0]?.variablesReference ?? 0,
    });
    expect(variables).toMatchObject([
      { name: "skb", value: expect.stringMatching(/^0x/) as string },
    ]);
    const { result } = await editor.request("evaluate", {
      expression: "skb->len",
      frameId,
    });
    expect(Number(result)).toBeGreaterThanOrEqual(20);
    await editor.request("next", { threadId: 1 });
    expect(await editor.event("stopped")).toMatchObject({ reason: "step" });
    await editor.request("disconnect", { terminateDebuggee: false });
    expect(await editor.end()).toBe(0);
    expect((await connecting).stdout).toBe("refused\n");
  });
});

it("an editor that disconnects without a request leaves the guest running, without its breakpoints", async () => {
  const editor = dapClient(LAB);
  await editor.request("initialize", { adapterID: "gdb" });
  const attached = editor.request("attach", { target: "127.0.0.1:1234" });
  await editor.event("initialized");
  await editor.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_clone" }] });
  await editor.request("configurationDone", {});
  await attached;
  await editor.end();
  const { stdout } = await withGuest(LAB_NAMES.vmContainer, (s) => inGuest(s, "echo on"));
  expect(stdout).toBe("on\n");
});

it("rejects input that is not the Debug Adapter Protocol", async () => {
  const { exitCode, stderr } = await kdock(["dap"], { cwd: LAB, input: "hello\r\n\r\n" });
  expect(stderr).toMatch(/no Debug Adapter Protocol: hello/);
  expect(exitCode).toBe(2);
});
