const BY = { netem: "tc netem", "stand-in": "kdock's stand-in for netem" } as const;

export function shapeText({
  vm,
  shape,
}: {
  readonly vm: string;
  readonly shape: { readonly by: keyof typeof BY; readonly words: string } | null;
}): readonly string[] {
  return [`${vm}: ${shape === null ? "not shaped" : `${shape.words}  (${BY[shape.by]})`}`];
}
