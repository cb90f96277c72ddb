import { useEffect } from "preact/hooks";
import { renew } from "../shared/keeper";
import { hints, newerPage, online, scene, stage, unreadCount } from "../state/store";
import { Door } from "./Door";
import { Questions } from "./Questions";
import { Room } from "./Room";

export function App() {
  const at = stage.value.at;
  const title = scene.value?.title ?? "";
  const unread = unreadCount.value;
  useEffect(() => {
    // Ours first: no session can make the tab look like another page's.
    const news = unread === 0 ? "" : `(${unread > 99 ? "99+" : unread}) `;
    document.title = title === "" ? "cahoots" : `${news}cahoots · ${title}`;
  }, [title, unread]);
  // What was seen stays in sight after the end.
  const inside = at === "here" || (at === "ended" && (scene.value?.panes.length ?? 0) > 0);
  return (
    <>
      {inside ? <Room /> : <Door />}
      {newerPage.value && <NewerPage />}
      {!inside && !online.value && <p class="offline" role="status">Offline: {location.host} cannot be reached. Sessions open once it can.</p>}
      <Questions />
      <div class="hints" role="status">
        {hints.value.map((hint) => (
          <div key={hint.id} class={`hint ${hint.tone}`}>{hint.text}</div>
        ))}
      </div>
    </>
  );
}

/** What runs here was seen before; what the server has now was not. */
function NewerPage() {
  return (
    <section class="newer" role="status">
      <p>
        <b>{location.host} serves another page by now.</b> This is still the one that you opened first. Take the new one
        if you know why it changed: an update, most often. Open your link again then.
      </p>
      <span class="desk-actions">
        <button type="button" class="quiet" onClick={() => { newerPage.value = false; }}>Keep this one</button>
        <button type="button" class="primary" onClick={renew}>Take the new one</button>
      </span>
    </section>
  );
}
