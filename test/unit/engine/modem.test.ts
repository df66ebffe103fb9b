import Docker from "dockerode";
import { expect, it } from "vitest";
import type { Call, EngineClient } from "../../../src/engine/client.js";
import { modemOver } from "../../../src/engine/modem.js";

/** What the client is asked for when dockerode's method is called. */
async function asked(method: (docker: Docker) => Promise<unknown>): Promise<Call | undefined> {
  let seen: Call | undefined;
  const client = {
    call(call: Call) {
      seen = call;
      return Promise.resolve({ Id: "1" });
    },
  };
  const modem = modemOver(client as unknown as EngineClient);
  await method(new Docker({ modem } as object));
  return seen;
}

const { signal } = new AbortController();

it.each<[string, (docker: Docker) => Promise<unknown>, Partial<Call>]>([
  ["a call without options", (docker) => docker.info(), { method: "GET", path: "/info" }],
  [
    "options as a query",
    (docker) => docker.getContainer("c").remove({ force: true, abortSignal: signal }),
    { method: "DELETE", path: "/containers/c", query: { force: true }, signal },
  ],
  [
    "options as query and body",
    (docker) => docker.createVolume({ Name: "v" }),
    { method: "POST", path: "/volumes/create", query: { Name: "v" }, json: { Name: "v" } },
  ],
  [
    "query and body apart",
    (docker) => docker.createContainer({ _query: { name: "n" }, _body: { Image: "i" } } as object),
    { method: "POST", path: "/containers/create", query: { name: "n" }, json: { Image: "i" } },
  ],
  [
    "no body where there are no options",
    (docker) => docker.getContainer("c").start(),
    { method: "POST", path: "/containers/c/start", json: undefined },
  ],
])("%s", async (_what, method, expected) => {
  expect(await asked(method)).toMatchObject(expected);
});

it("rejects with the client's own error", async () => {
  const reason = new Error("no");
  const client = { call: () => Promise.reject(reason) };
  const modem = modemOver(client as unknown as EngineClient);
  await expect(new Docker({ modem } as object).info()).rejects.toBe(reason);
});
