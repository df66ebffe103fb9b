import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Document, stringify } from "yaml";
import { Secret } from "../../../src/core/secret.js";

const secret = new Secret(Buffer.from("hunter2"));

describe("Secret", () => {
  it("returns its bytes from revealSecret", () => {
    expect(Buffer.from(secret.revealSecret()).toString()).toBe("hunter2");
  });

  it.each<[string, () => unknown]>([
    ["String", () => String(secret)],
    // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- what a mistake would do
    ["a template", () => `${secret}`],
    ["a sum", () => "a " + (secret as unknown as string)],
    ["toString", () => secret.toString()],
    ["toLocaleString", () => secret.toLocaleString()],
    ["join", () => [secret].join()],
    ["inspect", () => inspect({ secret }, { depth: null, showHidden: true, getters: true })],
    ["inspect of a list", () => inspect([[[[secret]]]], { depth: null })],
    ["JSON.stringify", () => JSON.stringify({ secret })],
    ["YAML", () => stringify({ secret })],
    ["a YAML document", () => new Document({ secret }).toString()],
    ["Buffer.from", () => Buffer.from(secret as unknown as string).toString()],
  ])("is shown as [secret] in %s", (_name, show) => {
    const shown = String(show());
    expect(shown).toContain("[secret]");
    expect(shown).not.toMatch(/hunter2|68756e746572|104,\s*117/);
  });

  it.each<[string, () => unknown]>([
    ["its keys", () => Object.keys(secret)],
    ["its entries", () => Object.entries(secret)],
    ["a copy of it", () => inspect(Object.assign({}, secret), { showHidden: true })],
    ["a structured clone", () => inspect(structuredClone(secret), { showHidden: true })],
    [
      "an assertion's difference",
      () => {
        try {
          expect({ secret }).toEqual({ secret: 1 });
          return "no difference";
        } catch (error) {
          return inspect(error, { depth: null });
        }
      },
    ],
  ])("is not shown in %s", (_name, show) => {
    expect(String(show())).not.toMatch(/hunter2|68756e746572|104,\s*117/);
  });
});
