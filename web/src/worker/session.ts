// One session: the core, the way to the relay and the clock between them. Nothing here decides what is right; it
// carries bytes to the core and what the core says to the page.

import { rebase } from "../shared/diff";
import { CHAT_LINES_MAX, type Command, type Notice, type Scene, type ToPage, type ToWorker } from "../shared/messages";
import { command } from "./command";
import { type Core, makeViewer } from "./core";
import { Outlet } from "./credit";
import { type LinkEvent, START, step } from "./link";
import type { Transport, TransportEvents } from "./transport";

/** Bytes that may wait in the browser's socket before the core is asked for more. */
const SOCKET_BYTES_MAX = 256 * 1024;
/** The largest message that a gateway takes is 64 KiB. */
const MESSAGE_BYTES_MAX = 32 * 1024;
/** People see changes of who is here and of the chat this often at most. */
const SCENE_MS = 80;
const HEART_MS = 1_000;
/** A heart that stops this much longer means that the machine slept. */
const GAP_MS = 2_500;
/** How many of the last messages are sent again when one more comes. */
const CHAT_LINES_AGAIN = 50;

export type Post = (message: ToPage, transfer?: Transferable[]) => void;
export type Dial = (events: TransportEvents) => Transport;
type Join = Extract<ToWorker, { kind: "join" }>;

export class Session {
  #core: Core;
  #post: Post;
  #dial: Dial;
  #link = START;
  #transport: Transport | null = null;
  /** The core's number of the link over that transport. */
  #number: number | null = null;
  /** Whether who is at the other end of that transport was found to be who it should be. */
  #isProven = false;
  #everLinked = false;
  #everLive = false;
  #outlets = new Map<number, Outlet>();
  /** The page's numbers of what the host was commanded, by the core's. */
  #commands = new Map<number, number>();
  #linksSaid = "";
  #askedForDesk = false;
  #edits = 0;
  #chatSeen = 0;
  #chatWhole = true;
  #chatDirty = true;
  #dialTimer: ReturnType<typeof setTimeout> | undefined;
  #coreTimer: ReturnType<typeof setTimeout> | undefined;
  #sceneTimer: ReturnType<typeof setTimeout> | undefined;
  #heart: ReturnType<typeof setInterval>;
  #lastBeat = Date.now();

  constructor(join: Join, dial: Dial, post: Post) {
    this.#post = post;
    this.#dial = dial;
    this.#core = makeViewer(join.link, join.words);
    this.#setTime();
    this.#core.introduce(join.name, join.colour);
    this.#heart = setInterval(() => this.#beat(), HEART_MS);
    this.#drive({ kind: "start" });
  }

  /** Does what the page asks for; throws what the core says against it, as a sentence. */
  handle(message: ToWorker): void {
    this.#setTime();
    const core = this.#core;
    switch (message.kind) {
      case "introduce":
        core.introduce(message.name, message.colour);
        break;
      case "watch":
        if (!this.#outlets.has(message.pane)) {
          this.#outlets.set(message.pane, new Outlet());
          core.watch(message.pane);
        }
        break;
      case "unwatch":
        if (this.#outlets.delete(message.pane)) core.unwatch(message.pane);
        break;
      case "focus":
        core.focus(message.pane);
        break;
      case "point":
        core.point(message.at?.pane ?? null, message.at?.row ?? 0, message.at?.col ?? 0);
        break;
      case "input":
        core.typeBytes(message.pane, message.data);
        break;
      case "askToDrive":
        core.askToDrive(message.pane);
        break;
      case "stopDriving":
        core.stopDriving(message.pane);
        break;
      case "pointInNotes":
        core.pointInNotes(message.at);
        break;
      case "command":
        this.#command(message.id, message.command);
        break;
      case "say":
        core.say(message.text);
        this.#chatDirty = true;
        break;
      case "typing":
        core.setTyping(message.typing);
        break;
      case "editNotes": {
        this.#edits += 1;
        const edit = rebase(message.edit, message.base, core.scene().notes);
        core.editNotes(edit.position, edit.remove, edit.insert);
        break;
      }
      case "credit":
        this.#outlets.get(message.pane)?.credit(message.bytes);
        break;
      case "wake":
        this.#drive({ kind: message.reason === "online" ? "networkChanged" : "wake" });
        break;
      case "leave":
        core.leave();
        this.#pump();
        this.#drive({ kind: "stop", reason: "you left the session" });
        break;
      case "only":
      case "read":
      case "join":
        return;
    }
    this.#sceneSoon();
    this.#pump();
  }

  #command(id: number, asked: Command): void {
    try {
      this.#commands.set(command(this.#core, asked), id);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#post({ kind: "answered", id, answer: { what: "not", reason } });
    }
  }

  #setTime(): void {
    this.#core.setTime(performance.now() * 1_000, Date.now());
  }

  #beat(): void {
    const now = Date.now();
    const gap = now - this.#lastBeat;
    this.#lastBeat = now;
    if (gap > GAP_MS) this.#drive({ kind: "slept", ms: gap });
    this.#post({ kind: "rtt", ms: this.#number === null ? null : (this.#core.rtt(this.#number) ?? null) });
    // Whether it is live depends on how long the host has been silent.
    this.#sceneSoon();
  }

  // The way to the relay.

  #drive(event: LinkEvent): void {
    const before = this.#link.state;
    const { state, action, failures } = step(this.#link, event, Date.now(), Math.random());
    this.#link = { state, failures };
    if (action === "drop" || action === "redial") this.#drop();
    if (action === "dial" || action === "redial") this.#open();
    if (state === before) return;
    clearTimeout(this.#dialTimer);
    if (state.phase === "waiting") {
      this.#dialTimer = setTimeout(() => this.#drive({ kind: "due" }), Math.max(0, state.retryAt - Date.now()) + 1);
    }
    if (state.phase === "over") clearInterval(this.#heart);
    if (state.phase !== "idle") this.#post({ kind: "link", link: state });
    this.#sceneSoon();
  }

  #open(): void {
    const transport = this.#dial({
      opened: (by) => {
        this.#setTime();
        const { acceptor, bound } = transport;
        this.#number = this.#core.openLink(acceptor, bound?.exporter);
        if (bound !== null && bound.way !== "relay") this.#core.expectHost(this.#number);
        this.#drive({ kind: "opened", by: bound?.way ?? by });
        this.#pump();
      },
      received: (bytes) => {
        if (this.#number === null) return;
        this.#setTime();
        this.#core.receive(this.#number, bytes);
        this.#pump();
      },
      closed: (reason) => this.#drive({ kind: "closed", retry: true, reason }),
    });
    this.#transport = transport;
    this.#isProven = false;
  }

  #drop(): void {
    this.#transport?.close();
    this.#transport = null;
    if (this.#number === null) return;
    const number = this.#number;
    this.#number = null;
    this.#setTime();
    this.#core.closeLink(number);
    this.#pump();
  }

  /** Moves everything that can move, and comes back when the core's next deadline is due. */
  #pump(): void {
    const notices = this.#core.notices();
    // Why it ended says more than how the relay hung up.
    for (const notice of notices) if (notice.kind === "ended") this.#tell(notice);
    for (const notice of notices) if (notice.kind !== "ended") this.#tell(notice);
    // What was shown since the moment of the lines comes in one go with them.
    for (const notice of notices) if (notice.kind === "past") this.#outlets.get(notice.pane)?.push({ kind: "caughtUp" });
    this.#send();
    this.#flushOutput();
    clearTimeout(this.#coreTimer);
    if (this.#link.state.phase === "over") return;
    const deadline = this.#core.deadline();
    const full = (this.#transport?.waitingBytes() ?? 0) >= SOCKET_BYTES_MAX;
    const wait = deadline === undefined ? HEART_MS : Math.max(0, deadline / 1_000 - performance.now());
    this.#coreTimer = setTimeout(() => this.#tick(), full ? Math.min(wait, 20) : Math.min(wait, 60_000));
  }

  #tick(): void {
    this.#setTime();
    this.#core.tick();
    this.#pump();
  }

  #send(): void {
    const { transport, number } = { transport: this.#transport, number: this.#number };
    if (transport === null || number === null) return;
    while (transport.waitingBytes() < SOCKET_BYTES_MAX) {
      const bytes = this.#core.pop(number, MESSAGE_BYTES_MAX);
      if (bytes.length === 0) return;
      transport.send(bytes as Uint8Array<ArrayBuffer>);
    }
  }

  // To the page.

  #tell(notice: Notice): void {
    switch (notice.kind) {
      case "linked":
        this.#everLinked = true;
        this.#isProven ||= notice.link === this.#number;
        this.#chatWhole = true;
        this.#askedForDesk = false;
        return this.#sceneSoon();
      case "unlinked": {
        if (notice.link !== this.#number) return;
        // What the core still says to the relay goes first.
        this.#send();
        if (!this.#isProven) this.#transport?.giveUp();
        // A relay that restarted knows the session again once its host is back.
        const retry = notice.retry || (this.#everLinked && notice.reason === "session not found");
        return this.#drive({ kind: "closed", retry, reason: notice.reason });
      }
      case "keyframe":
      case "past":
      case "output": {
        const outlet = this.#outlets.get(notice.pane);
        if (outlet?.push(notice) !== "skip") return;
        this.#core.skipAhead(notice.pane);
        return this.#post({ kind: "skipped", pane: notice.pane });
      }
      case "paneEnded":
        // The scene says so, too.
        return this.#sceneSoon();
      case "joined":
      case "left":
        // Who was here before did not just come.
        if (this.#everLive) this.#post({ ...notice, time: Date.now() });
        return this.#sceneSoon();
      case "chat":
        this.#chatDirty = true;
        return this.#sceneSoon();
      case "presence":
      case "state":
        return this.#sceneSoon();
      case "waits":
        return this.#post({ kind: "hint", tone: "info", text: notice.what });
      case "refused":
        return this.#post({ kind: "hint", tone: "warn", text: `The host did not take it: ${notice.reason}.` });
      case "inputLost":
        return this.#post({ kind: "hint", tone: "warn", text: `${notice.bytes} typed bytes did not arrive.` });
      case "alarm":
        return this.#post({ kind: "hint", tone: "warn", text: notice.text });
      case "answered": {
        const id = this.#commands.get(notice.command);
        if (id === undefined) return;
        this.#commands.delete(notice.command);
        this.#sceneSoon();
        return this.#post({ kind: "answered", id, answer: notice.answer });
      }
      case "desk":
        return this.#post({ kind: "desk", desk: notice.desk });
      case "waiting":
      case "letIn":
        return this.#post({ kind: notice.kind });
      case "ended":
        this.#post({ kind: "ended", how: notice.how, text: notice.text });
        this.#send();
        this.#drive({ kind: "stop", reason: notice.text });
    }
  }

  #flushOutput(): void {
    for (const [pane, outlet] of this.#outlets) {
      for (const piece of outlet.take()) {
        if (piece.kind === "caughtUp") {
          this.#post({ kind: "caughtUp", pane });
          continue;
        }
        const data = piece.data as Uint8Array<ArrayBuffer>;
        if (piece.kind === "past") {
          const lines = piece.lines as Uint8Array<ArrayBuffer>;
          this.#post({ ...piece, pane, lines, data }, [lines.buffer, data.buffer]);
        } else {
          this.#post({ ...piece, pane, data }, [data.buffer]);
        }
      }
    }
  }

  #sceneSoon(): void {
    this.#sceneTimer ??= setTimeout(() => {
      this.#sceneTimer = undefined;
      this.#setTime();
      const scene = this.#core.scene();
      this.#everLive ||= scene.live;
      this.#post({ kind: "scene", scene, edits: this.#edits });
      if (scene.canCommand) this.#tellOwner(scene);
      if (this.#chatDirty || scene.messages !== this.#chatSeen) this.#sendChat(scene.messages);
    }, SCENE_MS);
  }

  /** What a holder of an own link sees besides. */
  #tellOwner(scene: Scene): void {
    const links = this.#core.links();
    const said = JSON.stringify(links);
    if (said !== this.#linksSaid) this.#post({ kind: "links", links });
    this.#linksSaid = said;
    if (this.#askedForDesk || !scene.linked || scene.me === null) return;
    this.#askedForDesk = true;
    this.#core.showDesk();
    this.#pump();
  }

  #sendChat(count: number): void {
    // Messages have one order for everybody, so a late one may come before others. Far back only after a reunion.
    const whole = this.#chatWhole || count < this.#chatSeen;
    const from = Math.max(0, count - CHAT_LINES_MAX, whole ? 0 : this.#chatSeen - CHAT_LINES_AGAIN);
    this.#post({ kind: "chat", from, lines: this.#core.messages(from), whole });
    this.#chatSeen = count;
    this.#chatDirty = false;
    this.#chatWhole = count === 0;
  }
}
