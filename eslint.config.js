import js from "@eslint/js";
import n from "eslint-plugin-n";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

const EFFECTS = [
  "node:fs*",
  "node:child_process",
  "node:net",
  "node:os",
  "dockerode",
  "execa",
  "ora",
  "commander",
];

const LAZY = ["archive", "config", "lock", "plan", "steps", "ui"].map((name) => `**/${name}/**`);

const SYNTAX = [
  { selector: "ExportDefaultDeclaration", message: "named exports only" },
  {
    selector:
      "CallExpression[callee.property.name='write'][callee.object.property.name=/^std(out|err)$/]",
    message: "text goes through writeText (src/ui/visible.ts): a guest may have written it",
  },
];

/** One fence: files in `folder` must not import anything that matches `patterns`. */
function fence(folder, ...patterns) {
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: patterns, message: "see CONTRIBUTING, import table" }] },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", ".kdock/"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  n.configs["flat/recommended-module"],
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      parserOptions: { project: ["./test/tsconfig.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "no-console": "error",
      "n/no-process-exit": "error",
      // tsc resolves imports; this rule does not know .js → .ts.
      "n/no-missing-import": "off",
      "n/no-unpublished-import": "off",
      "no-restricted-syntax": ["error", ...SYNTAX],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // A lock is held by being declared.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreUsingDeclarations: true }],
      // `interface` for shapes, `type` for unions: a reader's decision.
      "@typescript-eslint/consistent-type-definitions": "off",
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/cli.ts"],
    rules: {
      "no-restricted-properties": ["error", { object: "process", property: "env" }],
      "no-restricted-globals": ["error", "process"],
    },
  },
  fence(
    "config",
    ...EFFECTS,
    "**/engine/**",
    "**/steps/**",
    "**/ui/**",
    "**/host/**",
    "**/commands/**",
  ),
  fence(
    "plan",
    ...EFFECTS,
    "**/engine/**",
    "**/steps/**",
    "**/ui/**",
    "**/host/**",
    "**/commands/**",
  ),
  fence(
    "lock",
    ...EFFECTS,
    "**/engine/**",
    "**/steps/**",
    "**/ui/**",
    "**/host/**",
    "**/commands/**",
  ),
  fence("archive", ...EFFECTS, "**/engine/**", "**/plan/**", "**/steps/**", "**/host/**"),
  fence("guest", ...EFFECTS, "**/engine/**", "**/plan/**", "**/steps/**", "**/host/**"),
  fence("dap", ...EFFECTS, "**/engine/**", "**/plan/**", "**/steps/**", "**/host/**"),
  fence("qmp", ...EFFECTS, "**/engine/**", "**/plan/**", "**/steps/**", "**/host/**"),
  fence("engine", "ora", "commander", "**/steps/**", "**/commands/**", "**/ui/**"),
  fence(
    "host",
    "dockerode",
    "ora",
    "commander",
    "**/engine/**",
    "**/plan/**",
    "**/config/**",
    "**/steps/**",
    "**/ui/**",
  ),
  fence("ui", "dockerode", "execa", "**/engine/**", "**/steps/**"),
  fence(
    "steps",
    ...EFFECTS,
    "**/docker-engine.js",
    "**/node-host.js",
    "**/app/**",
    "**/commands/**",
  ),
  fence("app", "**/commands/**", "**/features.js", "**/main.js"),
  fence(
    "commands",
    ...EFFECTS.filter((name) => name !== "commander"),
    "**/engine/**",
    "**/host/**",
  ),
  {
    files: ["src/commands/**/*.ts", "src/features.ts"],
    rules: {
      // What --help loads: all else waits for the action.
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["**/project.js", ...LAZY, "!**/config/config.js", "!**/plan/choices.js"],
              allowTypeImports: true,
              message: "import it in the action: `await import(...)`",
            },
          ],
        },
      ],
      "no-restricted-syntax": [
        "error",
        ...SYNTAX,
        {
          selector: "ImportExpression[source.value=/^(?!\\.)|\\/(engine|host)\\//]",
          message: "a command has no effects of its own: call a step",
        },
      ],
    },
  },
  {
    files: ["*.js", "*.config.ts", "test/**/*.ts"],
    rules: { "no-restricted-syntax": "off", "n/no-unsupported-features/node-builtins": "off" },
  },
  // The compiled file is the executable.
  { files: ["src/cli.ts"], rules: { "n/hashbang": "off" } },
  { files: ["*.js"], ...tseslint.configs.disableTypeChecked },
  prettier,
);
