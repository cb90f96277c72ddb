import { useEffect } from "preact/hooks";
import { hints, scene, stage } from "../state/store";
import { Door } from "./Door";
import { Questions } from "./Questions";
import { Room } from "./Room";

export function App() {
  const at = stage.value.at;
  const title = scene.value?.title ?? "";
  useEffect(() => {
    // Ours first: no session can make the tab look like another page's.
    document.title = title === "" ? "cahoots" : `cahoots · ${title}`;
  }, [title]);
  // What was seen stays in sight after the end.
  const inside = at === "here" || (at === "ended" && (scene.value?.panes.length ?? 0) > 0);
  return (
    <>
      {inside ? <Room /> : <Door />}
      <Questions />
      <div class="hints" role="status">
        {hints.value.map((hint) => (
          <div key={hint.id} class={`hint ${hint.tone}`}>{hint.text}</div>
        ))}
      </div>
    </>
  );
}
