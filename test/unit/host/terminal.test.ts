import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { createTerminal } from "../../../src/host/terminal.js";

class FakeTty extends PassThrough {
  isTTY = true;
  isRaw = false;
  isHeld = false;
  rows = 50;
  columns = 132;

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw;
    return this;
  }

  ref(): this {
    this.isHeld = true;
    return this;
  }

  unref(): this {
    this.isHeld = false;
    return this;
  }
}

function open() {
  const [stdin, stdout] = [new FakeTty(), new FakeTty()];
  const exits: (() => void)[] = [];
  const terminal = createTerminal({
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    type: "xterm",
    onExit: (restore) => exits.push(restore),
  });
  return { stdin, stdout, exits, terminal };
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

it("raw turns raw mode on, and restores it on dispose", async () => {
  const { stdin, terminal } = open();
  {
    using raw = terminal.raw();
    expect([stdin.isRaw, stdin.isHeld]).toEqual([true, true]);
    stdin.write("\u0003x");
    await tick();
    expect(String(raw.input.read())).toBe("\u0003x");
  }
  expect([stdin.isRaw, stdin.isHeld, stdin.isPaused()]).toEqual([false, false, true]);
});

it("raw is restored when the process exits", () => {
  const { stdin, exits, terminal } = open();
  const raw = terminal.raw();
  for (const restore of exits) restore();
  expect(stdin.isRaw).toBe(false);
  raw[Symbol.dispose]();
});

it("createTerminal registers one exit handler, also for several uses", () => {
  const { exits, terminal } = open();
  for (let use = 0; use < 3; use++) terminal.raw()[Symbol.dispose]();
  expect(exits).toHaveLength(1);
});

it("raw takes no bytes after dispose, and pushes back unread ones", async () => {
  const { stdin, terminal } = open();
  const first = terminal.raw();
  stdin.write("unread ");
  await tick();
  first[Symbol.dispose]();
  stdin.write("later");
  await tick();
  expect(await text(first.input)).toBe("");

  using second = terminal.raw();
  await tick();
  stdin.end();
  expect(await text(second.input)).toBe("unread later");
});

it("raw ends its input on dispose, and when the terminal is closed", async () => {
  const { stdin, terminal } = open();
  const raw = terminal.raw();
  const read = text(raw.input);
  await tick();
  raw[Symbol.dispose]();
  expect(await read).toBe("");

  using again = terminal.raw();
  stdin.destroy(new Error("EIO"));
  expect(await text(again.input)).toBe("");
});

it("onResize is called for changes until dispose", () => {
  const { stdout, terminal } = open();
  let changes = 0;
  const raw = terminal.raw();
  raw.onResize(() => changes++);
  stdout.emit("resize");
  raw[Symbol.dispose]();
  stdout.emit("resize");
  expect(changes).toBe(1);
  expect(terminal.size()).toEqual({ rows: 50, columns: 132 });
  stdout.rows = 0;
  expect(terminal.size()).toEqual({ rows: 24, columns: 132 });
});

it.each(["stdin", "stdout"] as const)("isInteractive is false if %s is a pipe", (which) => {
  const opened = open();
  Object.assign(opened[which], { isTTY: undefined });
  expect(opened.terminal.isInteractive).toBe(false);
});
