import { readFileSync } from "node:fs";
import { Command } from "commander";
import { parseDocument } from "yaml";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Kdock } from "../../../src/app/kdock.js";
import { addBuildFlags, addOwnFlags, addVmFlags } from "../../../src/app/key-options.js";
import type { Config } from "../../../src/config/config.js";
import { environmentLayer } from "../../../src/config/environment.js";
import { initTemplate } from "../../../src/config/init-template.js";
import { flagText, keyValues } from "../../../src/config/key-flags.js";
import { type ConfigKey, configKeys } from "../../../src/config/keys.js";
import { valueAt, withValue } from "../../../src/config/layer.js";
import { loadConfig } from "../../../src/config/layers.js";
import { configReference } from "../../../src/config/reference.js";
import { ConfigFile, jsonSchema } from "../../../src/config/schema.js";
import { row } from "../../../src/config/row.js";
import { integer } from "../../../src/config/types.js";
import { FEATURES } from "../../../src/features.js";
import { ROOT } from "../../support/kdock.js";
import { inFile, problemsOf } from "./problems-of.js";

/** A command with every flag of its section. */
function command({ flags: [flag] }: ConfigKey): Command {
  const holder = new Command(flag?.only ?? "run").exitOverride();
  return addVmFlags(addBuildFlags(addOwnFlags(holder)));
}

/** A value as the file has it. */
function sample({ example, fallback }: ConfigKey): unknown {
  return example ?? fallback;
}

/** The same as a text of the environment. */
function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(",");
  return typeof value === "object" && value !== null ? "NET=y" : String(value);
}

/** For a flag: one item of a list is enough. */
function asWord(value: unknown): string {
  return Array.isArray(value) ? String(value[0] ?? "some/file.c") : asText(value);
}

describe.each(configKeys().map((key) => [key.name, key] as const))("%s", (name, key) => {
  it("has a value that the schema accepts, a form for messages, and a description", () => {
    const value = sample(key);
    expect(value).toBeDefined();
    expect([key.form, key.description]).not.toContain("");
    expect(ConfigFile.safeParse(withValue({}, key.path, value)).error).toBeUndefined();
    const [problem] = problemsOf(inFile(JSON.stringify(withValue({}, key.path, { "!": [] }))));
    expect(problem).toMatch(new RegExp(`^kdock\\.yaml:1:\\d+: ${name}`));
  });

  it("is in the JSON schema, with what it accepts and what it is", () => {
    const path = key.path.flatMap((part) => ["properties", part]);
    expect(valueAt(jsonSchema(), path)).toMatchObject({
      ...{ title: key.form, description: key.description },
      ...(key.fallback === undefined ? {} : { default: key.fallback }),
    });
  });

  it("is in the reference and in the file that kdock init writes", () => {
    const row = configReference()
      .split("\n")
      .find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row?.endsWith(`| ${key.description} |`)).toBe(true);
    if (key.env !== undefined) expect(row).toContain(`\`${key.env}\``);
    expect(initTemplate()).toContain(`# ${key.description}`);
    const written: unknown = parseDocument(initTemplate()).getIn(key.path);
    if (key.fallback === undefined) expect(written).toBeUndefined();
    else expect(written).toBeDefined();
  });

  it("is set by its environment variable, unless it is a map of sections", () => {
    expect(key.env === undefined).toBe(key.kind === "vms");
    if (key.env === undefined) return;
    const env = { [key.env]: asText(sample(key)) };
    const { values, problems } = environmentLayer(env);
    expect(problems).toEqual([]);
    expect(valueAt(values, key.path)).toBeDefined();
    expect(() => loadConfig({ env })).not.toThrow();
  });

  it.each(key.flags.map((flag) => [flagText(flag), flag] as const))(
    "has %s, with its choices and help, which sets it",
    (text, flag) => {
      const holder = command(key);
      const option = holder.options.find(({ long }) => long === text);
      expect(option?.short).toBe(flag.short === undefined ? undefined : `-${flag.short}`);
      expect(option?.argChoices).toEqual(flag.value === undefined ? undefined : key.choices);
      expect(option?.description).toMatch(flag.help);
      if (flag.sets === undefined) expect(option?.description).toContain(`(${name})`);
      expect(holder.helpInformation()).toContain(text);

      const word = flag.value === undefined ? [] : [asWord(sample(key))];
      holder.action(() => undefined).parse([text, ...word], { from: "user" });
      const set = valueAt(keyValues(holder.opts()), key.path);
      if (flag.isKey === false) expect(set).toBeUndefined();
      else expect(set).toBeDefined();
      if (flag.sets !== undefined) expect(set).toBe(flag.sets);
    },
  );
});

describe("the table", () => {
  const flags = configKeys().flatMap((key) => key.flags);

  it("has each flag and each variable once", () => {
    const names = [...flags.map(flagText), ...configKeys().map(({ env }) => env ?? "")];
    expect(names).toHaveLength(new Set(names).size);
    const short = flags.flatMap((flag) => flag.short ?? []);
    expect(short).toHaveLength(new Set(short).size);
  });

  it("puts a flag below the one that it names", () => {
    const shown = addVmFlags(new Command()).options.map(({ long }) => long);
    const moved = flags.filter(({ after }) => after !== undefined);
    expect(moved.length).toBeGreaterThan(0);
    for (const { name, after = "" } of moved) {
      expect(shown.indexOf(`--${name}`)).toBe(shown.indexOf(`--${after}`) + 1);
    }
  });

  it.each(flags.flatMap((flag) => (flag.only === undefined ? [] : [[flag.only, flag] as const])))(
    "gives kdock %s a flag of its own",
    async (name, flag) => {
      const feature = await FEATURES[name]?.load();
      // A command uses its Kdock when it runs, and none runs here.
      const options = feature?.define({} as Kdock).options ?? [];
      expect(options.map(({ long }) => long)).toContain(flagText(flag));
    },
  );

  it("names the variables that compose.yaml and its documentation have", () => {
    const inCompose = configKeys().flatMap(({ inCompose, env }) => (inCompose ? [env] : []));
    const read = (file: string) => readFileSync(`${ROOT}${file}`, "utf8");
    const used = [...read("compose.yaml").matchAll(/\$\{(KDOCK_\w+):-/g)].map(([, name]) => name);
    const keys = new Set(configKeys().map(({ env }) => env));
    expect([...new Set(used)].filter((name) => keys.has(name)).sort()).toEqual(inCompose.sort());
    const page = read("docs/reference/environment.md").split("## For docker compose up")[1];
    for (const name of inCompose) expect(page).toContain(name);
  });

  it("gives each value its exact type", () => {
    expectTypeOf<Config["kernel"]["arch"]>().toEqualTypeOf<"x86_64" | "arm64" | "riscv64">();
    expectTypeOf<Config["kernel"]["jobs"]>().toEqualTypeOf<number | "auto">();
    expectTypeOf<Config["kernel"]["moduleKey"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Config["vm"]["net"]["mode"]>().toEqualTypeOf<
      "bridge" | "host" | "user" | "none"
    >();
    expectTypeOf<Config["vm"]["memoryMiB"]>().toEqualTypeOf<number>();
    expectTypeOf<Config["images"]["base"]>().toEqualTypeOf<"auto" | "registry" | "bootstrap">();
    // @ts-expect-error -- a default is a value that the key accepts
    row({ type: integer(1, 8), default: "many", help: "" });
    // @ts-expect-error -- a flag that no row has
    keyValues({ nosuchflag: true });
  });
});
