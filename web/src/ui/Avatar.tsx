import { colourOf, initials } from "../state/people";

/** A person as a disc with initials; the name stands beside it or in `label`. */
export function Avatar({ name, colour, label, dim = false }: { name: string; colour: number; label?: string; dim?: boolean }) {
  const spoken = label === undefined ? { "aria-hidden": true as const } : { role: "img" as const, "aria-label": label, title: label };
  return (
    <span class={dim ? "avatar dim" : "avatar"} style={{ background: colourOf(colour) }} {...spoken}>
      {initials(name)}
    </span>
  );
}
