import { describe, expect, it } from "vitest";

import { KdockError } from "../../../../src/core/errors.js";
import {
  encodeFrame,
  encodeHostFrame,
  FrameDecoder,
  GUEST_FRAME,
  HOST_FRAME,
  MAX_PAYLOAD,
  parseGuestFrame,
} from "../../../../src/vm/agent/frames.js";
import { helloFrame } from "./fake-agent.js";

describe("encodeHostFrame", () => {
  it("writes the header in little endian", () => {
    const frame = encodeHostFrame({ kind: "stdin", id: 0x0102, bytes: Buffer.from("abc") });

    expect([...frame]).toEqual([HOST_FRAME.stdin, 0, 0x02, 0x01, 3, 0, 0, 0, 0x61, 0x62, 0x63]);
  });

  it("begins a connection with version, nonce and the words the agent looks for", () => {
    const frame = encodeHostFrame({ kind: "hello", nonce: 0xdeadbeef });

    expect(frame.readUInt32LE(8)).toBe(2);
    expect(frame.readUInt32LE(12)).toBe(0xdeadbeef);
    expect(frame.toString("latin1", 16)).toBe("kdock hello\n");
  });

  it("writes a command as counted, NUL-terminated strings", () => {
    const frame = encodeHostFrame({
      kind: "exec",
      id: 1,
      exec: { argv: ["ls", "ä b"], env: { A: "1" }, cwd: "/etc", tty: { rows: 24, columns: 80 } },
    });

    expect([...frame.subarray(8, 17)]).toEqual([1, 24, 0, 80, 0, 2, 0, 1, 0]);
    expect(frame.toString("utf8", 17)).toBe("ls\0ä b\0A=1\0/etc\0");
  });

  it("says that there is no terminal by a flag", () => {
    const frame = encodeHostFrame({
      kind: "exec",
      id: 1,
      exec: { argv: ["true"], env: {}, cwd: "" },
    });

    expect([...frame.subarray(8)]).toEqual([
      ...[0, 0, 0, 0, 0, 1, 0, 0, 0],
      ...Buffer.from("true\0\0"),
    ]);
  });

  it.each([
    ["a signal", { kind: "signal", id: 7, signal: 15 }, [4, 0, 7, 0, 1, 0, 0, 0, 15]],
    [
      "a size, cut to what a terminal can have",
      { kind: "resize", id: 0, size: { rows: 50, columns: 70_000 } },
      [5, 0, 0, 0, 4, 0, 0, 0, 50, 0, 255, 255],
    ],
    ["power off", { kind: "powerOff" }, [6, 0, 0, 0, 0, 0, 0, 0]],
  ] as const)("writes %s", (_name, frame, bytes) => {
    expect([...encodeHostFrame(frame)]).toEqual(bytes);
  });

  it.each([
    ["holds a NUL", ["echo", "a\0b"]],
    ["is longer than a frame", ["echo", "x".repeat(MAX_PAYLOAD)]],
  ])("refuses a command that %s", (_name, argv) => {
    const exec = { argv: argv as [string, ...string[]], env: {}, cwd: "" };

    expect(() => encodeHostFrame({ kind: "exec", id: 1, exec })).toThrow(KdockError);
  });
});

describe("FrameDecoder", () => {
  const first = encodeFrame(GUEST_FRAME.stdout, 1, Buffer.from("hello"));
  const empty = encodeFrame(GUEST_FRAME.stderr, 2, Buffer.alloc(0));
  const last = encodeFrame(GUEST_FRAME.exit, 0xffff, Buffer.from([0, 3]));
  const stream = Buffer.concat([first, empty, last]);
  const whole = [
    { type: GUEST_FRAME.stdout, id: 1, payload: Buffer.from("hello") },
    { type: GUEST_FRAME.stderr, id: 2, payload: Buffer.alloc(0) },
    { type: GUEST_FRAME.exit, id: 0xffff, payload: Buffer.from([0, 3]) },
  ];

  it("gives the same frames wherever the stream is cut", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const decoder = new FrameDecoder();

      expect([
        ...decoder.push(stream.subarray(0, cut)),
        ...decoder.push(stream.subarray(cut)),
      ]).toEqual(whole);
    }
  });

  it("takes a stream byte by byte", () => {
    const decoder = new FrameDecoder();

    expect([...stream].flatMap((byte) => decoder.push(Buffer.of(byte)))).toEqual(whole);
  });

  it("takes the largest frame", () => {
    const payload = Buffer.alloc(MAX_PAYLOAD, 7);
    const [frame] = new FrameDecoder().push(encodeFrame(GUEST_FRAME.stdout, 1, payload));

    expect(frame?.payload.equals(payload)).toBe(true);
  });

  it.each([
    ["a payload no frame can have", Buffer.from([130, 0, 1, 0, 1, 0, 1, 0])],
    ["flags", Buffer.from([130, 1, 1, 0, 0, 0, 0, 0])],
  ])("refuses %s", (_name, bytes) => {
    expect(() => new FrameDecoder().push(bytes)).toThrow(expect.objectContaining({ code: "vm" }));
  });
});

describe("parseGuestFrame", () => {
  it("reads a hello", () => {
    const [frame] = new FrameDecoder().push(helloFrame(5, { uptimeMs: 1500 }));

    expect(frame && parseGuestFrame(frame)).toEqual({
      kind: "hello",
      version: 2,
      nonce: 5,
      uptimeMs: 1500,
      release: "6.12.0",
    });
  });

  it.each([
    ["an exit code", GUEST_FRAME.exit, Buffer.from([0, 255]), { kind: "exited", id: 9, code: 255 }],
    [
      "a deadly signal",
      GUEST_FRAME.exit,
      Buffer.from([1, 9]),
      { kind: "signalled", id: 9, signal: 9 },
    ],
    [
      "an acknowledgement",
      GUEST_FRAME.stdinAck,
      Buffer.from([0, 0, 1, 0]),
      { kind: "stdinAck", id: 9, bytes: 65_536 },
    ],
    ["an error", GUEST_FRAME.error, Buffer.from("nö"), { kind: "error", id: 9, text: "nö" }],
  ])("reads %s", (_name, type, payload, parsed) => {
    expect(parseGuestFrame({ type, id: 9, payload })).toEqual(parsed);
  });

  it.each([
    ["an unknown type", 1, Buffer.alloc(0)],
    ["a short hello", GUEST_FRAME.hello, Buffer.alloc(11)],
    ["a short exit", GUEST_FRAME.exit, Buffer.alloc(1)],
    ["a long acknowledgement", GUEST_FRAME.stdinAck, Buffer.alloc(5)],
  ])("refuses %s", (_name, type, payload) => {
    expect(() => parseGuestFrame({ type, id: 1, payload })).toThrow(
      expect.objectContaining({ code: "vm" }),
    );
  });
});
