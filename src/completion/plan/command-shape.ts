/** A command of commander, as far as completion reads it. */
export interface CommandShape {
  name(): string;
  summary(): string;
  description(): string;
  readonly options: readonly OptionShape[];
  readonly registeredArguments: readonly ArgumentShape[];
  readonly commands: readonly CommandShape[];
}

export interface OptionShape {
  /** "-e, --env <name=value>" */
  readonly flags: string;
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly description: string;
  /** It has a value, which must be given. */
  readonly required: boolean;
  /** It has a value, which may be left out. */
  readonly optional: boolean;
  /** Its value may be several words. */
  readonly variadic: boolean;
  readonly hidden: boolean;
  readonly argChoices?: readonly string[] | undefined;
}

export interface ArgumentShape {
  name(): string;
  readonly variadic: boolean;
  readonly argChoices?: readonly string[] | undefined;
}

export function takesValue({ required, optional }: OptionShape): boolean {
  return required || optional;
}

/** "-e, --env <name=value>" → "name=value"; "[command...]" → "command". */
export function placeholder({ flags }: Pick<OptionShape, "flags">): string {
  return (/[<[](.+)[>\]]$/.exec(flags)?.[1] ?? "").replace(/\.\.\.$/, "");
}
