import { homedir } from "node:os";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Container } from "../../src/engine/engine.js";
import { connectQuickly } from "../../src/engine/quick-engine.js";
import { type Lab, openLab } from "./lab.js";

let lab: Lab;
let container: Container;

const connect = (env: NodeJS.ProcessEnv = process.env) => {
  return connectQuickly({ env, home: homedir(), onLeak: () => undefined });
};
const quiet = () => ({ tty: false, signal: new AbortController().signal });

beforeAll(async () => {
  lab = await openLab();
  container = await lab.create({});
  await container.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

it("finds containers by label, as the whole client does", async () => {
  const [found, ...others] = await (await connect()).findContainers(lab.labels);
  const [whole] = await lab.engine.listContainers(lab.labels);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ id: container.id, name: whole?.name, running: true });
});

it("talks with a command in a container", async () => {
  const engine = await connect();
  const script = "cat; echo err >&2";
  const { stream, stderr } = await engine
    .container(container.id)
    .exec(["sh", "-c", script], quiet());
  const sent = Buffer.alloc(1_000_000, "kdock");
  stream.end(sent);
  expect((await buffer(stream)).equals(sent)).toBe(true);
  expect(await text(stderr)).toBe("err\n");
});

it("says in the engine's words what it refuses", async () => {
  const nowhere = (await connect()).container("kdock-no-such-container");
  await expect(nowhere.exec(["true"], quiet())).rejects.toMatchObject({
    code: "engine",
    message: expect.stringMatching(/No such container: kdock-no-such-container$/) as string,
  });
});

it("gives up a conversation that nobody wants any more", async () => {
  const stop = new AbortController();
  const there = (await connect()).container(container.id);
  const { stream } = await there.exec(["sleep", "600"], { tty: false, signal: stop.signal });
  const reason = new Error("enough");
  stop.abort(reason);
  await expect(text(stream)).rejects.toBe(reason);
});

it("says where it looked when no engine answers, as the whole client does", async () => {
  await expect(connect({ DOCKER_HOST: "unix:///nowhere.sock" })).rejects.toMatchObject({
    code: "environment",
    message: expect.stringMatching(/unix:\/\/\/nowhere\.sock .*no such socket/) as string,
  });
});
