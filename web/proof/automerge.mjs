// Holds the core's documents to another build of Automerge, the npm package: what either writes, the other reads, and
// both come to the same document whatever the order.

import * as A from "@automerge/automerge";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { buildCore, loadCore } from "./core.mjs";

buildCore();
const { Replica } = await loadCore();

const id = (digit) => digit.repeat(32);
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");

const ADA = id("a");
const BEN = id("b");
const COR = id("c");

/** Starts a replica of the core's. */
const core = (author, kind = "state") => new Replica(kind === "chat", bytes(author));

/** Starts a replica of Automerge's that holds what `replica` holds. */
const automerge = (author, replica) => A.load(replica.save(), { actor: author });

const heads = (doc) => [...A.getHeads(doc)].sort();

/** Changes a document as our protocol wants it: no time, no message. Returns the document and the change. */
function change(doc, edit) {
  const after = A.change(doc, { time: 0 }, edit);
  return [after, plain(A.getLastLocalChange(after))];
}

/** Returns a change uncompressed, as it goes over the wire: Automerge packs larger ones. */
function plain(chunk) {
  const [MAGIC_AND_SUM, PACKED, PLAIN] = [8, 2, 1];
  if (chunk[MAGIC_AND_SUM] !== PACKED) return chunk;
  let at = MAGIC_AND_SUM + 1;
  while (chunk[at] & 0x80) at += 1;
  const body = inflateRawSync(chunk.subarray(at + 1));
  const length = [];
  for (let rest = body.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Uint8Array.from([...chunk.subarray(0, MAGIC_AND_SUM), PLAIN, ...length, ...body]);
}

const apply = (doc, ...changes) => A.applyChanges(doc, changes)[0];

test("a document that the core writes is the same in Automerge", () => {
  const ada = core(ADA);
  ada.setTitle("deploy 🚀");
  ada.editNotes(0, 0, "naïve — 日本語 🧑‍🚀 e\u0301");
  ada.editNotes(2, 3, "X");
  const doc = automerge(BEN, ada);
  assert.deepEqual(heads(doc), ada.heads());
  assert.equal(String(doc.title), ada.title());
  assert.equal(String(doc.notes), ada.notes());
  assert.deepEqual(Object.keys(doc).sort(), ["app", "drivers", "notes", "panes", "title"]);
});

test("Automerge writes the same bytes of what the core wrote", () => {
  const ada = core(ADA);
  ada.setTitle("one");
  ada.editNotes(0, 0, "some notes, and then some more of them");
  assert.equal(hex(A.save(automerge(BEN, ada))), hex(ada.save()));
});

test("a change that Automerge makes, the core takes", () => {
  const ada = core(ADA);
  ada.editNotes(0, 0, "hello");
  let ben = automerge(BEN, ada);
  let made;
  [ben, made] = change(ben, (doc) => A.splice(doc, ["notes"], 5, 0, " wörld 🎉"));
  assert.equal(ada.take(bytes(BEN), made), true);
  [ben, made] = change(ben, (doc) => {
    doc.title = new A.ImmutableString("by Ben");
  });
  ada.take(bytes(BEN), made);
  assert.equal(ada.notes(), "hello wörld 🎉");
  assert.equal(ada.title(), "by Ben");
  assert.deepEqual(ada.heads(), heads(ben));
});

test("a change with a time of its own is refused by the core, and Automerge would take it", () => {
  const ada = core(ADA);
  const ben = A.change(automerge(BEN, ada), { time: 1 }, (doc) => A.splice(doc, ["notes"], 0, 0, "x"));
  assert.throws(() => ada.take(bytes(BEN), plain(A.getLastLocalChange(ben))), /time/);
  assert.equal(ada.notes(), "");
});

test("concurrent edits of three come to the same document in every order", () => {
  const [ada, ben] = [core(ADA), core(BEN)];
  const start = ada.editNotes(0, 0, "The quick brown fox");
  ben.take(bytes(ADA), start);
  let cor = automerge(COR, ada);

  // Each edits without having seen the others.
  const said = [
    [ADA, ada.editNotes(4, 5, "slow")],
    [ADA, ada.setTitle("Ada's")],
    [BEN, ben.editNotes(0, 3, "A")],
    [BEN, ben.editNotes(7, 0, " 🦊 red")],
  ];
  let made;
  [cor, made] = change(cor, (doc) => A.splice(doc, ["notes"], 16, 3, "dog, and much more than two hundred bytes. ".repeat(12)));
  said.push([COR, made]);
  [cor, made] = change(cor, (doc) => {
    doc.title = new A.ImmutableString("Cor's");
  });
  said.push([COR, made]);

  for (const [author, edit] of said) {
    if (author !== ADA) ada.take(bytes(author), edit);
    if (author !== COR) cor = apply(cor, edit);
  }
  for (const [author, edit] of said.toReversed()) if (author !== BEN) ben.take(bytes(author), edit);

  assert.deepEqual(ada.heads(), heads(cor));
  assert.deepEqual(ben.heads(), heads(cor));
  assert.equal(ada.notes(), ben.notes());
  assert.equal(String(cor.notes), ada.notes());
  assert.equal(ada.title(), ben.title());
  assert.equal(String(cor.title), ada.title());
  assert.match(ada.notes(), /^A slow.* red.*dog/u);
});

test("random concurrent edits of two converge, round after round", () => {
  // A small generator of its own: the same rounds in every run.
  let state = 0x2545f491;
  const chance = (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const words = ["a", "bc", "déf", "日本", "🧑‍🚀", "\n"];
  const ada = core(ADA);
  let ben = automerge(BEN, ada);
  for (let round = 0; round < 150; round++) {
    const points = [...ada.notes()].length;
    const [fromAda, fromBen] = [[], []];
    for (let edit = chance(3); edit >= 0; edit--) {
      const now = [...ada.notes()].length;
      const position = chance(now + 1);
      const made = ada.editNotes(position, Math.min(chance(4), now - position), words[chance(words.length)]);
      if (made) fromAda.push(made);
    }
    if (chance(4) > 0) {
      // Automerge counts UTF-16 units where the core counts code points: stay between whole letters.
      const letters = [...String(ben.notes)];
      assert.equal(letters.length, points);
      const at = chance(points + 1);
      const gone = letters.slice(at, at + chance(4)).join("").length;
      let made;
      [ben, made] = change(ben, (doc) => A.splice(doc, ["notes"], letters.slice(0, at).join("").length, gone, words[chance(words.length)]));
      fromBen.push(made);
    }
    for (const edit of fromBen) ada.take(bytes(BEN), edit);
    ben = apply(ben, ...fromAda);
    assert.deepEqual(ada.heads(), heads(ben), `round ${round}`);
    assert.equal(ada.notes(), String(ben.notes), `round ${round}`);
  }
  assert.ok(ada.notes().length > 100, "something was written");
});

test("a cursor stays with its letter on both sides", () => {
  const ada = core(ADA);
  ada.editNotes(0, 0, "see 🚀 here");
  let ben = automerge(BEN, ada);
  // Position 6 of code points is 7 of UTF-16 units, behind the rocket.
  const ours = ada.notesCursor(6);
  const theirs = A.getCursor(ben, ["notes"], 7);
  assert.equal(ours, theirs);

  const edit = ada.editNotes(0, 0, "¡¡ 🎈 ");
  ben = apply(ben, edit);
  let made;
  [ben, made] = change(ben, (doc) => A.splice(doc, ["notes"], 0, 1, ""));
  ada.take(bytes(BEN), made);
  const letters = (text, units) => [...text.slice(0, units)].length;
  assert.equal(ada.notesPosition(theirs), letters(String(ben.notes), A.getCursorPosition(ben, ["notes"], ours)));
  assert.equal([...ada.notes()][ada.notesPosition(ours)], "h");
});

test("chat that the core writes is readable in Automerge", () => {
  const ada = core(ADA, "chat");
  ada.say("hello", 1_700_000_000_000);
  ada.say("日本語 🎉", 1_700_000_001_000);
  const doc = automerge(BEN, ada);
  assert.deepEqual(heads(doc), ada.heads());
  const [page] = Object.entries(doc).filter(([key]) => key !== "v");
  assert.equal(page[0], `${ADA}/0`);
  // Version, kind, time and flags come before the text.
  const texts = page[1].map((message) => new TextDecoder().decode(message.subarray(11)));
  assert.deepEqual(texts, ["hello", "日本語 🎉"]);
  assert.deepEqual(texts, ada.said());
});

test("a chat line that Automerge alone would take is refused by the core", () => {
  const ada = core(ADA, "chat");
  const [, made] = change(automerge(BEN, ada), (doc) => {
    doc["not a page"] = new A.ImmutableString("x");
  });
  assert.throws(() => ada.take(bytes(BEN), made));
  assert.deepEqual(ada.said(), []);
});
