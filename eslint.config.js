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

/** Which rooms of src a room may import; what two need is in one below both. */
const ROOMS = {
  core: [],
  tree: ["core"],
  build: ["core", "tree"],
  kconfig: ["core", "tree", "build", "repro"],
  vm: ["core", "tree", "build"],
  guest: ["core", "tree", "build", "vm"],
  network: ["core", "tree", "build", "vm", "guest"],
  debug: ["core", "tree", "build", "vm", "guest"],
  memory: ["core", "tree", "build", "vm", "guest", "debug"],
  modules: ["core", "tree", "build", "vm", "guest"],
  repro: ["core", "tree", "build"],
  editor: ["core", "tree", "build", "debug"],
  completion: ["core", "tree", "build", "vm", "guest"],
  fleet: ["core", "tree", "build", "vm", "guest", "debug", "memory", "modules", "repro"],
};

const OUTSIDE = ["**/engine/**", "**/host/**", "**/app/**", "**/commands/**"];

/** What the kinds of folders in a room must not import. */
const KINDS = {
  plan: [...EFFECTS, ...OUTSIDE, "**/steps/**", "**/ui/**"],
  lock: [...EFFECTS, ...OUTSIDE, "**/steps/**", "**/ui/**"],
  steps: [...EFFECTS, "**/docker-engine.js", "**/node-host.js", "**/app/**", "**/commands/**"],
  text: ["dockerode", "execa", ...OUTSIDE, "**/steps/**"],
  agent: [...EFFECTS, ...OUTSIDE, "**/plan/**", "**/steps/**"],
  dap: [...EFFECTS, ...OUTSIDE, "**/plan/**", "**/steps/**"],
  qmp: [...EFFECTS, ...OUTSIDE, "**/plan/**", "**/steps/**"],
  commands: [...EFFECTS.filter((name) => name !== "commander"), "**/engine/**", "**/host/**"],
};

function fence(files, patterns) {
  return {
    files: [`src/${files}/**/*.ts`],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: patterns, message: "see docs/explanation/architecture.md" }] },
      ],
    },
  };
}

/** The last of the blocks that hold a file decides, so that each has all of its room and its kind. */
function roomFences() {
  return Object.entries(ROOMS).flatMap(([room, below]) => {
    const above = Object.keys(ROOMS)
      .filter((other) => other !== room && !below.includes(other))
      .map((other) => `**/${other}/**`);
    return [
      fence(room, above),
      ...Object.entries(KINDS).map(([kind, patterns]) =>
        fence(`${room}/${kind}`, [...patterns, ...above]),
      ),
    ];
  });
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
  fence("config", KINDS.plan),
  fence("archive", [...EFFECTS, ...OUTSIDE, "**/plan/**", "**/steps/**"]),
  fence("engine", ["ora", "commander", "**/steps/**", "**/commands/**", "**/ui/**"]),
  fence("host", [
    ...["dockerode", "ora", "commander", "**/engine/**", "**/plan/**", "**/config/**"],
    ...["**/steps/**", "**/ui/**"],
  ]),
  fence("ui", ["dockerode", "execa", "**/engine/**", "**/steps/**"]),
  ...roomFences(),
  fence("app", ["**/commands/**", "**/features.js", "**/main.js"]),
  fence("app/steps", KINDS.steps),
  fence("app/commands", KINDS.commands),
  {
    files: ["src/*/commands/**/*.ts", "src/features.ts"],
    rules: {
      // What --help loads: all else waits for the action.
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: [
                "**/build/project.js",
                ...LAZY,
                "!**/config/config.js",
                "!**/plan/choices.js",
              ],
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
