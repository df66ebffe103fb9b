import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { composeFile } from "../../../src/vm/plan/compose.js";
import { sha256 } from "../../../src/core/plan/keys.js";
import { BUILDER_UID, HOSTILE_UID, MODULE_KEY_FILE } from "../../../src/core/plan/names.js";
import { planData, planText } from "../../../src/vm/plan/plan-text.js";
import { vmPlan } from "../../../src/vm/plan/vm-plan.js";
import { createNodeHost } from "../../../src/host/node-host.js";
import { readAssets } from "../../../src/app/project.js";
import { Secret } from "../../../src/core/secret.js";
import { inputFiles, secretFiles } from "../../../src/build/steps/run-build.js";
import { SecretScan } from "../../support/secret-scan.js";
import { config, plan } from "../fixtures.js";

const pem = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
}).privateKey;
const scan = new SecretScan(pem);
const YAML = "kernel: { moduleKey: ./keys/module.pem }";
const made = plan(YAML, {
  user: { moduleKey: { pem: new Secret(Buffer.from(pem)), digest: sha256(pem) } },
});

describe("the scan for a private key", () => {
  const der = Buffer.from(pem.replace(/-----.*-----|\n/g, ""), "base64");
  const half = der.subarray(der.length / 2);
  it.each<[string, Buffer | string]>([
    ["its text", pem],
    ["one line of it", pem.split("\n").at(-5) ?? ""],
    ["its text in YAML", stringify({ key: pem })],
    ["its text in JSON", JSON.stringify({ key: pem })],
    ["its text in base64", Buffer.from(pem).toString("base64")],
    ["its text in base64, after two other bytes", Buffer.from(`ab${pem}`).toString("base64")],
    ["its text in hexadecimal", Buffer.from(pem).toString("hex")],
    ["its bytes", half],
    ["its bytes in hexadecimal", half.toString("hex").toUpperCase()],
    ["its bytes in base64", half.toString("base64")],
    [
      "its bytes in base64, after another byte",
      Buffer.concat([Buffer.from("a"), half]).toString("base64"),
    ],
  ])("finds %s", (_what, where) => {
    expect(
      scan.find(Buffer.concat([Buffer.from("before "), Buffer.from(where), Buffer.from(" after")])),
    ).not.toEqual([]);
  });

  it("does not take the public key for it", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(scan.find(publicKey.export({ type: "spki", format: "pem" }))).toEqual([]);
  });
});

describe("the key that modules are signed with", () => {
  const vm = vmPlan(config(YAML), made, { paused: false, command: false });

  it.each<[string, () => string]>([
    ["kdock plan", () => planText(made, vm).join("\n")],
    ["kdock plan --json", () => JSON.stringify(planData(made, vm))],
    ["kdock compose", () => composeFile(config(YAML), made, ".")],
    [
      "a plan in a stack or a log",
      () => inspect(made, { depth: null, showHidden: true, maxStringLength: null }),
    ],
    ["a plan in JSON", () => JSON.stringify(made)],
    ["a plan in YAML", () => stringify(JSON.parse(JSON.stringify(made)))],
    ["a container's specification", () => JSON.stringify(made.kernel.container)],
    ["the files that others may read", () => JSON.stringify(inputFiles(made.kernel))],
  ])("is not in %s", (_what, text) => {
    expect(scan.find(text())).toEqual([]);
  });

  it("is named in a plan", () => {
    expect(planText(made, vm)).toContain("    /in/module-signing.pem: [secret]");
    expect(planData(made, vm)).toMatchObject({
      kernel: { files: { "module-signing.pem": expect.any(Secret) as Secret } },
    });
  });

  it("is sent to the builder, whose user alone may read it", () => {
    const [file, ...others] = secretFiles(made.kernel);
    expect(others).toEqual([]);
    expect(file).toMatchObject({
      path: MODULE_KEY_FILE,
      mode: 0o600,
      uid: BUILDER_UID,
      gid: BUILDER_UID,
    });
    expect(file).toHaveProperty("content", Buffer.from(pem));
    expect(secretFiles(made.busybox)).toEqual([]);
  });

  it("decides about the kernel's key as it always has, by its sha256", () => {
    expect(made.kernel.inputs["module key"]).toBe(sha256(pem));
    expect(made.kernel.key).not.toBe(plan(YAML).kernel.key);
  });

  it("is mounted by compose from where it is", () => {
    const text = composeFile(config(YAML), made, ".");
    expect(text).toContain("secrets:\n  module-key:\n    file: ./keys/module.pem\n");
    expect(text).toContain("      - source: module-key\n        target: /in/module-signing.pem\n");
  });

  it("belongs to the user that the builders have", async () => {
    const assets = await readAssets(createNodeHost({ env: {} }).files);
    const file = (path: string) => Buffer.from(assets.get(path)?.content ?? "").toString();
    for (const path of ["Dockerfile.kernel", "Dockerfile.busybox"]) {
      expect(file(path)).toContain(`useradd --uid ${BUILDER_UID} `);
    }
    expect(file("images/verify/hostile.Dockerfile")).toContain(`useradd --uid ${HOSTILE_UID} `);
  });
});
