import { ending } from "../state/stage";
import { stage } from "../state/store";

/** It is over: why, and what to do. */
export function Ended() {
  const current = stage.value;
  if (current.at !== "ended") return null;
  const { label, sentence } = ending(current.how, current.text);
  return (
    <div class="ended">
      <h1>{label}</h1>
      <p>{sentence}</p>
      <button type="button" class="primary" onClick={() => location.reload()}>Open another link</button>
    </div>
  );
}
