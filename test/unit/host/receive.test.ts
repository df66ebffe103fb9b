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

/** Resolves with whether the other side took what was said. */
function say(folder: string, words: string): Promise<boolean> {
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

it("hears the first who comes, and leaves nothing behind", async () => {
  {
    await using receiver = await began();
    const said = say(receiver.folder, "an archive");
    await receiver.called;
    const caller = receiver.caller();
    expect(caller && (await text(caller))).toBe("an archive");
    expect(await said).toBe(true);
  }
  expect(existsSync(at("hand"))).toBe(false);
});

it("can be reached by whoever is given the folder, and by nobody else", async () => {
  await using receiver = await began();
  expect((await stat(at("hand"))).mode & 0o777).toBe(0o700);
  expect((await stat(receiver.folder)).mode & 0o777).toBe(0o755);
  expect((await stat(`${receiver.folder}/socket`)).mode & 0o777).toBe(0o666);
});

it("turns away who comes too late", async () => {
  await using receiver = await began();
  expect(receiver.caller()).toBeUndefined();
  expect(await say(receiver.folder, "late")).toBe(false);
});

it("ends who is not heard", async () => {
  const receiver = await began();
  const said = say(receiver.folder, "x".repeat(10_000_000));
  await receiver.called;
  await receiver[Symbol.asyncDispose]();
  expect(await said).toBe(false);
  expect(existsSync(at("hand"))).toBe(false);
});

it("takes the place of one that was killed", async () => {
  await began();
  await using again = await began();
  const said = say(again.folder, "again");
  await again.called;
  expect(again.caller()).toBeDefined();
  again.caller()?.resume();
  expect(await said).toBe(true);
});

it("is none where a socket's name would be too long", async () => {
  expect(await receive(at("x".repeat(100)))).toBeUndefined();
  expect(existsSync(at("x".repeat(100)))).toBe(false);
});
