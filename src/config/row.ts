import type { ValueType } from "./types.js";

/** A key of kdock.yaml: all that is known about it, for every place that reads, checks, prints or documents it. */
export interface Row<Out = unknown, FlagNames extends string = string> {
  readonly type: ValueType<unknown, Out>;
  /** As it would stand in the file; a key without one is undefined unless it is given. */
  readonly default: unknown;
  /** For `kdock init`, where the default shows nothing. */
  readonly example: unknown;
  /** What it is: in the reference, in `kdock init`, and in the JSON schema. */
  readonly help: string;
  readonly flag: Flag<FlagNames> | undefined;
  /** Flags that stand for one value of it. */
  readonly shortcuts: readonly Flag<FlagNames>[];
  /** compose.yaml reads its environment variable, too. */
  readonly compose: boolean;
  /** It decides what artifacts contain, as opposed to how fast they are made and from where. */
  readonly inArtifact: boolean;
  /** One for all VMs, so that no VM below `vms` has it. */
  readonly shared: boolean;
}

export interface Flag<Name extends string = string> {
  /** "init-script", "no-gdb" */
  readonly name: Name;
  /** "j" */
  readonly short?: string;
  /** What follows it, as --help names that: "<n>"; undefined for nothing. */
  readonly value?: string;
  /** In --help, which appends the key's name. */
  readonly help: string;
  /** What the key is set to; the flag's own value unless it is given. */
  readonly sets?: unknown;
  /** In --help below this flag, where the order of the keys is another one. */
  readonly after?: string;
  /** Only this command has it. */
  readonly only?: string;
  /** false: the command reads it, and the key stays what the file says. */
  readonly isKey?: false;
}

export interface Section<R extends Rows = Rows> {
  readonly help: string;
  readonly rows: R;
}

export type Rows = Readonly<Record<string, Row | { readonly help: string; readonly rows: Rows }>>;

interface Written<In, Out, FlagNames extends string> {
  readonly type: ValueType<In, Out>;
  readonly example?: NoInfer<In>;
  readonly help: string;
  readonly flag?: Flag<FlagNames>;
  readonly shortcuts?: readonly Flag<FlagNames>[];
  readonly compose?: true;
  readonly inArtifact?: false;
  readonly shared?: true;
}

export function row<In, Out, const FlagNames extends string>(
  written: Written<In, Out, FlagNames> & { readonly default: NoInfer<In> },
): Row<Out, FlagNames>;
export function row<In, Out, const FlagNames extends string>(
  written: Written<In, Out, FlagNames>,
): Row<Out | undefined, FlagNames>;
export function row<In, Out, FlagNames extends string>(
  written: Written<In, Out, FlagNames> & { readonly default?: In },
): Row<Out | undefined, FlagNames> {
  return {
    default: undefined,
    example: undefined,
    flag: undefined,
    shortcuts: [],
    compose: false,
    inArtifact: true,
    shared: false,
    ...written,
  };
}

export function section<const R extends Rows>(help: string, rows: R): Section<R> {
  return { help, rows };
}

/** A configuration that has been checked: every key present. */
export type Values<R extends Rows> = {
  readonly [Name in keyof R]: R[Name] extends Row<infer Out>
    ? Out
    : R[Name] extends Section<infer Inner>
      ? Values<Inner>
      : never;
};

/** The names of all flags, without dashes. To the compiler, a row without a flag is one with any text. */
export type FlagNamesOf<R extends Rows> = {
  readonly [Name in keyof R]: R[Name] extends Row<unknown, infer Flags>
    ? string extends Flags
      ? never
      : Flags
    : R[Name] extends Section<infer Inner>
      ? FlagNamesOf<Inner>
      : never;
}[keyof R];
