// A transcript to read, to listen to, to correct and to take away.

import { Refused } from "./api.js";
import { check, clock, field, h, languageName, modal, nameOf, when } from "./dom.js";
import { showExport } from "./export.js";
import { Player } from "./player.js";
import { History } from "./revision.js";
import { askSpeaker } from "./speakers.js";
import { Transcript } from "./transcript.js";
import { Waveform } from "./waveform.js";

const COLOURS = 8;

export class Reader {
  constructor(shell, context, prediction, { record, original, peaks, etag }) {
    Object.assign(this, { context, prediction, record, etag });
    this.language = original.detected_language;
    const draft = context.drafts.get(prediction.id);
    this.history = draft ?? new History(original.segments, this.language, record.edits);
    this.saved = record.edits;
    this.player = new Player(original.duration, (time) => this.#at(time), context.say);
    this.waveform = new Waveform(original.duration, peaks, (time) => this.player.seek(time), (name) => this.#colour(name));
    this.transcript = new Transcript(this.language, {
      seek: (time) => this.player.playFrom(time),
      hold: () => this.player.hold(),
      toggle: () => this.player.toggle(),
      touched: () => (this.undo.disabled = this.save.disabled = false),
      edit: (edit) => this.#edit(edit),
      speaker: (segment) => this.#speaker(segment),
    });
    this.follow = h("input", { type: "checkbox", checked: true });
    this.#build(shell, original);
    this.#sound();
    this.#show();
    this.pressed = (event) => this.#key(event);
    this.unload = (event) => this.dirty && event.preventDefault();
    addEventListener("keydown", this.pressed);
    addEventListener("beforeunload", this.unload);
  }

  get dirty() {
    return this.history.edits !== this.saved && JSON.stringify(this.history.edits) !== JSON.stringify(this.saved);
  }

  leave() {
    this.transcript.commit();
    if (this.dirty) this.context.drafts.set(this.prediction.id, this.history);
    removeEventListener("keydown", this.pressed);
    removeEventListener("beforeunload", this.unload);
    this.transcript.leave();
    this.waveform.leave();
    this.player.stop();
    if (this.url) URL.revokeObjectURL(this.url);
  }

  #build(shell, original) {
    const button = (name, act, kind = "button") => h(kind, { type: "button", onclick: act }, name);
    this.undo = button("Undo", () => this.#step("undo"));
    this.redo = button("Redo", () => this.#step("redo"));
    this.save = button("Save", () => this.store(), "button.primary");
    this.facts = h("p.quiet");
    this.kept = h("p.quiet.kept");
    this.search = h("input", { type: "search", "aria-label": "Search", placeholder: "Search" });
    this.search.addEventListener("input", () => this.#find());
    this.search.addEventListener("keydown", (event) => event.key === "Enter" && this.#nextHit(event));
    const doubt = h("input", { type: "range", min: "0", max: "100", step: "5", value: "50" });
    doubt.addEventListener("input", () => this.transcript.mark(Number(doubt.value) / 100));
    this.ownSound = h("label.button.sound", {}, "Choose the sound file", h("input", {
      type: "file", accept: "audio/*,video/*", onchange: (event) => this.#play(event.target.files[0]),
    }));
    document.body.classList.add("reading");
    shell.replaceChildren(
      h("div.bar", {},
        h("div.title", {}, h("h1", {}, h("bdi", {}, nameOf(this.prediction))), this.facts, this.kept),
        h("div.actions", {}, this.undo, this.redo, this.save,
          button("Export", () => this.#export()), button("Delete", () => this.#delete()))),
      ...original.warnings.map((text) => h("p.quiet", {}, text.replace(/^\w+: /, ""))), // without its code
      this.waveform.element,
      h("div.controls", {}, this.player.element, this.ownSound, this.search,
        h("details.settings", {}, h("summary", {}, "View"), h("div.menu.card", {},
          check("Follow the sound", this.follow), field("Mark words below this probability (%)", doubt),
          h("p.hint", {}, "In the text: arrows move and play, Space plays and pauses, Enter edits, Ctrl+Enter splits, Esc discards. Ctrl+Z undoes, Ctrl+S saves.")))),
      this.transcript.element);
  }

  #sound() {
    const file = this.context.files.get(this.prediction.id);
    if (file) this.#play(file);
    else if (this.record.recording) {
      this.ownSound.hidden = true;
      const { search } = new URL(this.record.recording.url);
      this.player.load(`v1/predictions/${this.prediction.id}/recording${search}`);
    }
  }

  #play(file) {
    if (!file) return;
    if (this.url) URL.revokeObjectURL(this.url);
    this.context.files.set(this.prediction.id, file);
    this.url = URL.createObjectURL(file);
    this.ownSound.hidden = true;
    this.player.load(this.url);
  }

  #show() {
    const { segments } = this.history;
    this.speakers = [...new Set(segments.map((one) => one.speaker).filter(Boolean))];
    this.transcript.show(segments, (name) => this.#colour(name));
    this.waveform.show(segments, this.speakers);
    if (this.search.value) this.transcript.find(this.search.value);
    this.#at(this.player.time);
    this.undo.disabled = !this.history.edits.length;
    this.redo.disabled = !this.history.undone.length;
    this.save.disabled = !this.dirty;
    const heard = this.speakers.length;
    this.facts.textContent = [clock(this.player.duration), languageName(this.language),
      heard && `${heard} speaker${heard === 1 ? "" : "s"}`].filter(Boolean).join(" · ");
    this.kept.textContent = this.#expiry();
  }

  #expiry() {
    const { revision, expires_at: end, recording } = this.record;
    const sound = recording?.expires_at ? ` The sound is kept until ${when(recording.expires_at)}.` : "";
    if (revision) return `Corrected; kept until you delete it.${sound}`;
    return `Deleted on ${when(end)}, unless you save a correction.${sound}`;
  }

  #colour(name) {
    const at = this.speakers.indexOf(name);
    return at < 0 ? "--s-none" : `--s${at % COLOURS}`;
  }

  #at(time) {
    this.transcript?.at(time, this.follow.checked);
    this.waveform?.at(time);
  }

  #edit(edit) {
    this.history.make(edit);
    this.#show();
    this.context.say("Changed. Save keeps it.");
  }

  #step(way) {
    this.transcript.commit();
    this.history[way]();
    this.#show();
    this.context.say(way === "undo" ? "Undone." : "Done again.");
  }

  async #speaker(segment) {
    const edit = await askSpeaker(this.history.segments, segment, this.speakers);
    if (edit) this.#edit(edit);
  }

  // Saves the corrections; whether they are saved.
  async store() {
    this.transcript.commit();
    this.save.disabled = !this.dirty;
    if (!this.dirty) return true;
    const { edits } = this.history;
    this.context.say("Saving…");
    try {
      const response = await this.#put(edits, this.etag);
      this.etag = response.headers.get("ETag");
      this.record = { ...this.record, ...(await response.json()) };
      this.saved = edits;
      this.context.drafts.delete(this.prediction.id);
      this.#show();
      this.context.say("Saved.");
      return true;
    } catch (error) {
      if (error instanceof Refused && error.status === 412) return this.#conflict();
      this.context.say(`Not saved: ${error.message}`);
      return false;
    }
  }

  #put(edits, etag) {
    return this.context.api.call(`v1/predictions/${this.prediction.id}/transcript`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "If-Match": etag },
      body: JSON.stringify({ edits }),
    });
  }

  async #conflict() {
    this.context.say("Not saved, there is a conflict: somebody else has saved corrections meanwhile.");
    const choose = (value, text) => h("button", { value }, text);
    const { closed } = modal("Saved elsewhere meanwhile",
      h("p", {}, "Another tab or person has saved corrections of this recording since you opened it."),
      h("form.actions", { method: "dialog" }, choose("theirs", "Take theirs"), choose("mine", "Keep mine"), choose("", "Not now")));
    const choice = await closed;
    if (!choice) return false;
    const response = await this.context.api.call(`v1/predictions/${this.prediction.id}/transcript`);
    this.etag = response.headers.get("ETag");
    if (choice === "mine") return this.store();
    this.record = await response.json();
    const { segments, language } = this.#first();
    this.history = new History(segments, language, this.record.edits);
    this.saved = this.record.edits;
    this.#show();
    this.context.say("These are the corrections that were saved elsewhere.");
    return false;
  }

  // The first output: all edits undone.
  #first() {
    while (this.history.edits.length) this.history.undo();
    return this.history;
  }

  async #export() {
    if (await this.store()) showExport(this.context, this.prediction, this.record.revision > 0);
  }

  async #delete() {
    const { closed } = modal("Delete this recording?",
      h("p", {}, "The transcript, its corrections and the sound are gone for good."),
      h("form.actions", { method: "dialog" }, h("button.danger", { value: "yes" }, "Yes, delete it"), h("button", { value: "" }, "Keep it")));
    if ((await closed) !== "yes") return;
    await this.context.api.json(`v1/predictions/${this.prediction.id}`, { method: "DELETE" });
    this.saved = this.history.edits; // nothing is left to be saved
    this.context.drafts.delete(this.prediction.id);
    this.context.files.delete(this.prediction.id);
    this.context.go("/list");
  }

  #find() {
    const count = this.transcript.find(this.search.value);
    this.hit = -1;
    this.context.say(this.search.value ? `${count} found${count ? "; Enter goes from one to the next" : ""}.` : "");
  }

  #nextHit(event) {
    const { hits } = this.transcript;
    if (!hits?.length) return;
    this.hit = (this.hit + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
    this.transcript.goToHit(this.hit);
    this.context.say(`${this.hit + 1} of ${hits.length}.`);
  }

  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "s") this.store();
    else if (event.target.closest("textarea, input")) return;
    else if (key === "y" || (key === "z" && event.shiftKey)) this.#step("redo");
    else if (key === "z") this.#step("undo");
    else return;
    event.preventDefault();
  }
}
