import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { codePointsBefore, diff, moved, unitsBefore } from "../shared/diff";
import { cutAt } from "../state/carets";
import { colourOf } from "../state/people";
import { edits, scene, stage, tell } from "../state/store";

/** Others see where somebody writes this often at most. */
const POINT_MS = 120;

/** Notes that all who may edit write together: the field holds what everybody agreed on plus what was just typed. */
export function NotesPanel() {
  const field = useRef<HTMLTextAreaElement>(null);
  const mirror = useRef<HTMLDivElement>(null);
  /** The text that the field shows as it came from the worker, or as it was last told to it. */
  const base = useRef<string>(scene.peek()?.notes ?? "");
  const canEdit = scene.value?.canEdit === true && stage.value.at !== "ended";

  useSignalEffect(() => {
    const notes = scene.value?.notes ?? "";
    const area = field.current;
    if (area === null || notes === area.value) {
      base.current = notes;
      return;
    }
    // The field is ahead: a scene with what was just typed is on its way.
    if (edits.seen < edits.told) return;
    const change = diff(area.value, notes);
    if (change === null) return;
    const place = (units: number) => unitsBefore(notes, moved(codePointsBefore(area.value, units), change));
    const [start, end] = [place(area.selectionStart), place(area.selectionEnd)];
    area.value = notes;
    area.setSelectionRange(start, end);
    base.current = notes;
  });

  const onInput = (event: InputEvent) => {
    const area = event.currentTarget as HTMLTextAreaElement;
    const edit = diff(base.current, area.value);
    if (edit === null) return;
    tell({ kind: "editNotes", edit, base: base.current });
    edits.told += 1;
    base.current = area.value;
    pointSoon();
  };

  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const pointSoon = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const area = field.current;
      const isIn = area !== null && document.activeElement === area;
      tell({ kind: "pointInNotes", at: isIn ? codePointsBefore(area.value, area.selectionEnd) : null });
    }, POINT_MS);
  };
  useEffect(() => {
    document.addEventListener("selectionchange", pointSoon);
    return () => {
      document.removeEventListener("selectionchange", pointSoon);
      clearTimeout(timer.current);
      tell({ kind: "pointInNotes", at: null });
    };
  }, []);

  const alignMirror = () => {
    if (mirror.current !== null) mirror.current.scrollTop = field.current?.scrollTop ?? 0;
  };
  const writers = (scene.value?.members ?? []).filter(({ isMe, notesCursor }) => !isMe && notesCursor !== null);
  useEffect(alignMirror);
  return (
    <div class="notes">
      <div class="page">
        <textarea
          ref={field}
          aria-label="Shared notes"
          placeholder={canEdit ? "Notes for everybody here." : "No notes yet."}
          defaultValue={base.current}
          readOnly={!canEdit}
          onInput={onInput}
          onFocus={pointSoon}
          onBlur={pointSoon}
          onScroll={alignMirror}
          spellcheck
        />
        {/* The same text in the same shape, unseen; in it the carets of others. */}
        <div ref={mirror} class="mirror" aria-hidden="true">
          {cutAt(scene.value?.notes ?? "", writers.map(({ notesCursor }) => notesCursor ?? 0)).map(({ text, who }) => {
            const writer = who === null ? undefined : writers[who];
            return writer === undefined ? text : (
              <span key={`${writer.author} ${writer.notesCursor}`} class="caret" style={{ "--person": colourOf(writer.colour) }}>
                <span class="caret-name">{writer.name}</span>
              </span>
            );
          })}
          {"\u200b"}
        </div>
      </div>
      <p class="nothing">
        {writers.length > 0
          ? `${writers.map(({ name }) => name).join(", ")} ${writers.length === 1 ? "is" : "are"} here in the notes.`
          : canEdit
            ? "Everybody here sees what you write, as you write it."
            : "You can read the notes; this link may not change them."}
      </p>
    </div>
  );
}
