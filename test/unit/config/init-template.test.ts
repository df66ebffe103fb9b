import { expect, it } from "vitest";
import { initTemplate } from "../../../src/config/init-template.js";
import { configKeys } from "../../../src/config/keys.js";
import { loadConfig } from "../../../src/config/layers.js";
import { configReference } from "../../../src/config/reference.js";
import { inFile } from "./problems-of.js";

it("says exactly the defaults", () => {
  expect(loadConfig(inFile(initTemplate()))).toEqual(loadConfig({}));
});

it("shows examples that are accepted", () => {
  const uncommented = initTemplate()
    .replace(/^( *)(\w+): \[\]\n/gm, "")
    .replace(/^( *)# (sha256|mirrors|overlay|ports|mirror): /gm, "$1$2: ");
  const config = loadConfig(inFile(uncommented));
  expect(config.vm.ports).toHaveLength(2);
  expect(config.images.mirror).toBe("https://mirror.example/debian");
});

it("names every key, and so does the reference, with its variable and what it is", () => {
  const [template, reference] = [initTemplate(), configReference()];
  for (const { name, path, env, form, description } of configKeys()) {
    expect(template).toContain(`${path.at(-1) ?? ""}: `);
    expect(reference).toContain(`| \`${name}\` | ${form} |`);
    expect(reference).toContain(`| ${env === undefined ? "" : `\`${env}\``} | ${description} |`);
    expect([form, description]).not.toContain("");
  }
});
