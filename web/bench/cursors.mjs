// What a viewer's memory comes to while 50 people move their cursors: node --expose-gc web/bench/cursors.mjs [MINUTES]
//
// Virtual time, as fast as this machine can. The viewer's core is alone in its instance, whose memory is what counts;
// members and relay live in another. Cursors move as often as the protocol lets them, and the viewer draws the scene as
// often as the page does.

import { argv, memoryUsage } from "node:process";
import { buildCore, loadCore } from "../proof/core.mjs";

const MINUTES = Number(argv[2] ?? 60);
const PEOPLE = 50;
/** What moves in the 80 ms that the page waits before it draws a change. */
const MOVES_A_SCENE = 16;
const MINUTE_US = 60_000_000;

buildCore();
const { Crowd } = await loadCore();
const core = await loadCore();
// What it gives to have been loaded is the same for all who load it.
const { memory } = core.initSync();

const crowd = new Crowd(PEOPLE, 1_700_000_000_000);
const viewer = new core.Viewer(crowd.link(), new Uint8Array(32).fill(9), undefined);
const link = viewer.openLink("relay", undefined);

/** Has viewer and relay hear one another out. */
function exchange() {
  viewer.setTime(crowd.monoUs(), crowd.wallMs());
  for (;;) {
    const down = crowd.pop();
    viewer.receive(link, down);
    viewer.tick();
    const up = viewer.pop(link, 1 << 20);
    crowd.receive(up);
    if (down.length === 0 && up.length === 0) return;
  }
}

const others = () => viewer.scene().members.filter((member) => !member.isMe);

function report(name) {
  globalThis.gc?.();
  const { heapUsed } = memoryUsage();
  console.log(
    `${name.padEnd(16)} core ${(memory.buffer.byteLength / 1024).toFixed(0).padStart(6)} KiB, ` +
      `JavaScript heap ${(heapUsed / 1e6).toFixed(1)} MB, ${crowd.delivered()} entries, ` +
      `${(performance.now() / 1000).toFixed(0)} s`,
  );
}

report("before");
let turns = 0;
while (crowd.here() < PEOPLE + 1 || others().length < PEOPLE || viewer.scene().panes.length === 0) {
  exchange();
  viewer.notices();
  crowd.pass(50_000);
  if (turns++ > 2_000) throw new Error("they do not come together");
}
viewer.watch(viewer.scene().panes[0].pane);
crowd.start();
const begin = crowd.monoUs();
report("all are here");

let scenes = 0;
const marks = [1, 2, 5, 10, 20, 30, 40, 50, 60].filter((minute) => minute < MINUTES).concat(MINUTES);
while (marks.length > 0) {
  crowd.moveCursors(MOVES_A_SCENE);
  exchange();
  if (viewer.notices().some(({ kind }) => kind === "unlinked" || kind === "alarm")) throw new Error("the viewer is off");
  const { live, members } = viewer.scene();
  if (!live || members.length !== PEOPLE + 1) throw new Error("not everybody is in sight");
  scenes++;
  if (crowd.monoUs() - begin >= marks[0] * MINUTE_US) report(`${marks.shift()} min`);
}

const seen = others().flatMap(({ cursor }) => [cursor.row, cursor.col]);
if (seen.join() !== [...crowd.cursors()].join()) throw new Error("the viewer shows other places");
console.log(`${scenes} scenes; in the end it shows all ${PEOPLE} cursors where they are`);
