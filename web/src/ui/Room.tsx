import { panel, scene, stage } from "../state/store";
import { Desk } from "./Desk";
import { Ended } from "./Ended";
import { Header } from "./Header";
import { KeyBar } from "./KeyBar";
import { Dock, SidePanel } from "./SidePanel";
import { Tabs } from "./Tabs";
import { TerminalView } from "./TerminalView";
import { Toolbar } from "./Toolbar";

/** The session: terminal in the middle, people and words beside it; on a phone they come up from below. */
export function Room() {
  const over = stage.value.at === "ended";
  return (
    <div class="room" data-panel={panel.value ?? "none"} data-over={over}>
      <Header />
      <main class="middle" aria-label="Terminal">
        {scene.value?.canCommand === true && !over && panel.value !== "manage" && <Desk at="banner" />}
        <Tabs />
        <TerminalView />
        {over && (
          <div class="curtain">
            <section class="card" role="alert">
              <Ended />
            </section>
          </div>
        )}
        <Toolbar />
        {scene.value?.canType === true && !over && <KeyBar />}
      </main>
      <SidePanel />
      <Dock />
    </div>
  );
}
