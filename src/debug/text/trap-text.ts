import type { TrapEvent } from "../plan/trap.js";

/** An event of `kdock trap` as text. Errors are thrown by the step, and have no lines here. */
export function trapText(event: TrapEvent): string[] {
  switch (event.event) {
    case "armed":
      return event.stops.flatMap(({ asked, note, locations }) => [
        `${asked}: ${locations.length === 0 ? "waits for its module" : places(locations)}${note ? ` (${note})` : ""}`,
      ]);
    case "hit":
      return hitText(event);
    case "panic":
      return [`panic: ${event.reason}`, ...frames(event.backtrace)];
    case "end":
      return [
        ...(event.reason === "count"
          ? []
          : [`ended (${event.reason}) after ${event.hits === 1 ? "1 hit" : `${event.hits} hits`}`]),
        ...event.why.map(({ stop, text }) => `${stop}: ${text}`),
      ];
    case "error":
      return [];
  }
}

type Armed = Extract<TrapEvent, { event: "armed" }>;
type Hit = Extract<TrapEvent, { event: "hit" }>;

const PLACES_SHOWN = 3;

function places(locations: Armed["stops"][number]["locations"]): string {
  const shown = locations
    .slice(0, PLACES_SHOWN)
    .map(
      ({ file, line, address, inlinedInto }) =>
        `${file === null ? address : `${shortPath(file)}:${line ?? "?"}`}${inlinedInto ? ` inlined into ${inlinedInto}` : ""}`,
    );
  const more = locations.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

function hitText(hit: Hit): string[] {
  const { number, file, line, args, locals, prints, backtrace } = hit;
  const where = file === null ? "" : ` at ${shortPath(file)}:${line ?? "?"}`;
  return [
    `hit ${number}: ${hit.function}${where}`,
    ...named("argument", args),
    ...named("local", locals),
    ...prints.map(
      ({ expression, ...result }) =>
        `  ${expression} = ${"value" in result ? indented(result.value) : `<${result.error}>`}`,
    ),
    ...frames(backtrace),
  ];
}

function frames(backtrace: Hit["backtrace"]): string[] {
  return backtrace.map(
    ({ level, function: name, args, file, line }) =>
      `  #${level}  ${name} (${args.map((arg) => `${arg.name}=${arg.value}`).join(", ")})` +
      (file === null ? "" : ` at ${shortPath(file)}:${line ?? "?"}`),
  );
}

function named(what: string, values: readonly { name: string; value: string }[]): string[] {
  return values.map(({ name, value }) => `  ${what} ${name} = ${indented(value)}`);
}

/** gdb prints structures on several lines. */
function indented(value: string): string {
  return value.replaceAll("\n", "\n  ");
}

/** Debug information has the tree at /src; paths are shown relative to it. */
function shortPath(path: string): string {
  return path.replace(/^\/src\//, "");
}
