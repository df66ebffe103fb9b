/** For people: "auto, kvm or tcg". */
export function choicesText(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}
