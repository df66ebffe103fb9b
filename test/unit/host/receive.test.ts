import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { receive } from "../../../src/host/receive.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const at = useTemporaryFolder();

async function began() {
  const receiver = await receive(at("hand"));
  if (receiver === undefined) throw new Error("the temporary folder's name is too long");
  return receiver;
}

/** Resolves with whether the other side received the text. */
function send(folder: string, words: string): Promise<boolean> {
  const socket = connect(`${folder}/socket`, () => socket.end(words));
  socket.resume();
  return new Promise((resolve) => {
    socket.once("error", () => {
      resolve(false);
    });
    socket.once("close", (hadError) => {
      resolve(!hadError);
    });
  });
}

it("receive accepts the first connection, and leaves no files", async () => {
  {
    await using receiver = await began();
    const received = send(receiver.folder, "an archive");
    await receiver.connected;
    const caller = receiver.connection();
    expect(caller && (await text(caller))).toBe("an archive");
    expect(await received).toBe(true);
  }
  expect(existsSync(at("hand"))).toBe(false);
});

it("receive creates a socket that is reachable only through its folder", async () => {
  await using receiver = await began();
  expect((await stat(at("hand"))).mode & 0o777).toBe(0o700);
  expect((await stat(receiver.folder)).mode & 0o777).toBe(0o755);
  expect((await stat(`${receiver.folder}/socket`)).mode & 0o777).toBe(0o666);
});

it("receive closes later connections", async () => {
  await using receiver = await began();
  expect(receiver.connection()).toBeUndefined();
  expect(await send(receiver.folder, "late")).toBe(false);
});

it("receive closes a connection that is not read when it is disposed of", async () => {
  const receiver = await began();
  const received = send(receiver.folder, "x".repeat(10_000_000));
  await receiver.connected;
  await receiver[Symbol.asyncDispose]();
  expect(await received).toBe(false);
  expect(existsSync(at("hand"))).toBe(false);
});

it("receive replaces the socket of a killed process", async () => {
  await began();
  await using again = await began();
  const received = send(again.folder, "again");
  await again.connected;
  expect(again.connection()).toBeDefined();
  again.connection()?.resume();
  expect(await received).toBe(true);
});

it("receive is undefined if the socket's path is too long", async () => {
  expect(await receive(at("x".repeat(100)))).toBeUndefined();
  expect(existsSync(at("x".repeat(100)))).toBe(false);
});
