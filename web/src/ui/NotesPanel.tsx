import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { codePointsBefore, diff, moved, unitsBefore } from "../shared/diff";
import { edits, scene, stage, tell } from "../state/store";

/** Notes that all who may edit write together: the field holds what everybody agreed on plus what was just typed. */
export function NotesPanel() {
  const field = useRef<HTMLTextAreaElement>(null);
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
  };

  return (
    <div class="notes">
      <textarea
        ref={field}
        aria-label="Shared notes"
        placeholder={canEdit ? "Notes for everybody here." : "No notes yet."}
        defaultValue={base.current}
        readOnly={!canEdit}
        onInput={onInput}
        spellcheck
      />
      <p class="nothing">{canEdit ? "Everybody here sees what you write, as you write it." : "You can read the notes; this link may not change them."}</p>
    </div>
  );
}
