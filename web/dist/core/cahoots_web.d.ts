/* tslint:disable */
/* eslint-disable */

/**
 * A passphrase, hashed for one link. Making it takes 64 MiB and about a second: not on the page's own thread.
 */
export class PassphraseWords {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Hashes what somebody typed for `link`.
     *
     * # Errors
     *
     * If the link is none.
     */
    constructor(link: string, words: string);
}

/**
 * One guest in one session.
 */
export class Viewer {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Has somebody let in who waits, or not.
     *
     * # Errors
     *
     * As all commands.
     */
    admit(member: string, accept: boolean): number;
    /**
     * Answers whether a member's line is written: the one that was read, no other.
     *
     * # Errors
     *
     * As all commands.
     */
    answerLine(pane: number, member: string, line: string, accept: boolean): number;
    /**
     * Asks to drive a pane.
     *
     * # Errors
     *
     * Why nothing was asked.
     */
    askToDrive(pane: number): void;
    /**
     * Notes that a link's transport is gone.
     */
    closeLink(link: number): void;
    /**
     * Returns when [`tick`](Self::tick) is due next, in microseconds of the steady clock.
     */
    deadline(): number | undefined;
    /**
     * Edits the shared notes: at character `position`, `delete` characters go and `insert` comes.
     *
     * # Errors
     *
     * Why it was not taken.
     */
    editNotes(position: number, _delete: number, insert: string): void;
    /**
     * Says of a link, just opened, that it leads to the host itself: another member there is taken for an impostor.
     */
    expectHost(link: number): void;
    /**
     * Shows others which pane this guest looks at.
     */
    focus(pane?: number | null): void;
    /**
     * Has a member drive a pane, or nobody.
     *
     * # Errors
     *
     * As all commands.
     */
    grant(pane: number, member?: string | null): number;
    /**
     * Sets what others see of this guest: name and colour.
     */
    introduce(name: string, colour: number): void;
    /**
     * Says whether a link is over once all that it still says was sent.
     */
    isClosing(link: number): boolean;
    /**
     * Has a member removed.
     *
     * # Errors
     *
     * As all commands.
     */
    kick(member: string): number;
    /**
     * Leaves: the goodbye is to be sent on every link that is open.
     */
    leave(): void;
    /**
     * Returns the link that this guest came by, whole: whoever sees it can join.
     */
    link(): string;
    /**
     * Returns the links of the session.
     *
     * # Errors
     *
     * Only if the engine's memory is at its end.
     */
    links(): any;
    /**
     * Has a link made; `members_max` 0 leaves that to the session.
     *
     * # Errors
     *
     * As all commands.
     */
    makeLink(may_type: boolean, lasts_s: number, members_max: number, approve: boolean, once: boolean): number;
    /**
     * Returns the chat from message `from` on.
     *
     * # Errors
     *
     * As [`notices`](Self::notices).
     */
    messages(from: number): any;
    /**
     * Prepares a guest of the session that `link` names. Nothing happens before a transport is open.
     *
     * `seed` is 32 bytes of the browser's random source, used once: all keys of this guest come from it. `words` is
     * needed where [`read_link`] says so.
     *
     * # Errors
     *
     * A sentence for whoever pasted the link.
     */
    constructor(link: string, seed: Uint8Array, words?: PassphraseWords | null);
    /**
     * Returns what happened since the last call, oldest first: an array of [`Notice`]s.
     *
     * # Errors
     *
     * Only if the engine's memory is at its end.
     */
    notices(): any;
    /**
     * Begins a link over a new transport and returns its number. `acceptor` says who it leads to, the same words
     * whenever it leads there again; `exporter` is the connection's, if it has one.
     *
     * # Errors
     *
     * If `exporter` has not 32 bytes.
     */
    openLink(acceptor: string, exporter?: Uint8Array | null): number;
    /**
     * Shows others where this guest points; without a pane it points nowhere.
     */
    point(pane: number | null | undefined, row: number, col: number): void;
    /**
     * Shows others where in the notes this guest writes: before this character. Without one it is nowhere.
     */
    pointInNotes(position?: number | null): void;
    /**
     * Takes up to `bytes_max` bytes, or one frame that is larger, for a link's transport. An empty array means that
     * there is nothing to say now.
     */
    pop(link: number, bytes_max: number): Uint8Array;
    /**
     * Takes bytes that a link's transport delivered.
     */
    receive(link: number, bytes: Uint8Array): void;
    /**
     * Has a link closed and its holders cut off.
     *
     * # Errors
     *
     * As all commands.
     */
    revoke(link: string): number;
    /**
     * Has every link closed, this guest's own too.
     *
     * # Errors
     *
     * As all commands.
     */
    revokeAll(): number;
    /**
     * Returns how long a link's round trip takes, in milliseconds, once measured.
     */
    rtt(link: number): number | undefined;
    /**
     * Says something in the chat.
     *
     * # Errors
     *
     * Why it was not taken.
     */
    say(text: string): void;
    /**
     * Returns who is here and what the session looks like.
     *
     * # Errors
     *
     * As [`notices`](Self::notices).
     */
    scene(): any;
    /**
     * Says whose keys reach a pane: `all`, `one` or `line`.
     *
     * # Errors
     *
     * As all commands.
     */
    setPolicy(pane: number, policy: string): number;
    /**
     * Says what time it is: microseconds of a clock that never goes back, and milliseconds since 1970. Comes before
     * everything else that is called then.
     */
    setTime(mono_us: number, wall_ms: number): void;
    /**
     * Shows others that this guest is typing, or is not any more.
     */
    setTyping(typing: boolean): void;
    /**
     * Asks to be shown what waits for an owner's word; again after every new link.
     *
     * # Errors
     *
     * As all commands: why nothing was sent.
     */
    showDesk(): number;
    /**
     * Watches a pane anew, from its newest screen on, without the lines above it.
     */
    skipAhead(pane: number): void;
    /**
     * Lets go of a pane that this guest drives.
     *
     * # Errors
     *
     * Why it could not.
     */
    stopDriving(pane: number): void;
    /**
     * Does what is due by now.
     */
    tick(): void;
    /**
     * Types into a pane.
     *
     * # Errors
     *
     * Why nothing was sent.
     */
    typeBytes(pane: number, bytes: Uint8Array): void;
    /**
     * Stops watching a pane.
     */
    unwatch(pane: number): void;
    /**
     * Starts to watch a pane.
     */
    watch(pane: number): void;
}

/**
 * Returns where the width of characters changes: code points, each followed by the columns taken from there on.
 */
export function columns(): Uint32Array;

/**
 * Reads a link as people paste it.
 *
 * # Errors
 *
 * What is wrong with it, and what to do, in two sentences for people.
 */
export function readLink(text: string): any;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_passphrasewords_free: (a: number, b: number) => void;
    readonly __wbg_viewer_free: (a: number, b: number) => void;
    readonly columns: (a: number) => void;
    readonly passphrasewords_new: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly readLink: (a: number, b: number, c: number) => void;
    readonly viewer_admit: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly viewer_answerLine: (a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number) => void;
    readonly viewer_askToDrive: (a: number, b: number, c: number) => void;
    readonly viewer_closeLink: (a: number, b: number) => void;
    readonly viewer_deadline: (a: number, b: number) => void;
    readonly viewer_editNotes: (a: number, b: number, c: number, d: number, e: number, f: number) => void;
    readonly viewer_expectHost: (a: number, b: number) => void;
    readonly viewer_focus: (a: number, b: number) => void;
    readonly viewer_grant: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly viewer_introduce: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_isClosing: (a: number, b: number) => number;
    readonly viewer_kick: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_leave: (a: number) => void;
    readonly viewer_link: (a: number, b: number) => void;
    readonly viewer_links: (a: number, b: number) => void;
    readonly viewer_makeLink: (a: number, b: number, c: number, d: number, e: number, f: number, g: number) => void;
    readonly viewer_messages: (a: number, b: number, c: number) => void;
    readonly viewer_new: (a: number, b: number, c: number, d: number, e: number, f: number) => void;
    readonly viewer_notices: (a: number, b: number) => void;
    readonly viewer_openLink: (a: number, b: number, c: number, d: number, e: number, f: number) => void;
    readonly viewer_point: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_pointInNotes: (a: number, b: number) => void;
    readonly viewer_pop: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_receive: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_revoke: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_revokeAll: (a: number, b: number) => void;
    readonly viewer_rtt: (a: number, b: number, c: number) => void;
    readonly viewer_say: (a: number, b: number, c: number, d: number) => void;
    readonly viewer_scene: (a: number, b: number) => void;
    readonly viewer_setPolicy: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly viewer_setTime: (a: number, b: number, c: number) => void;
    readonly viewer_setTyping: (a: number, b: number) => void;
    readonly viewer_showDesk: (a: number, b: number) => void;
    readonly viewer_skipAhead: (a: number, b: number) => void;
    readonly viewer_stopDriving: (a: number, b: number, c: number) => void;
    readonly viewer_tick: (a: number) => void;
    readonly viewer_typeBytes: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly viewer_unwatch: (a: number, b: number) => void;
    readonly viewer_watch: (a: number, b: number) => void;
    readonly __wbindgen_export: (a: number, b: number) => number;
    readonly __wbindgen_export2: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_export3: (a: number) => void;
    readonly __wbindgen_add_to_stack_pointer: (a: number) => number;
    readonly __wbindgen_export4: (a: number, b: number, c: number) => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
