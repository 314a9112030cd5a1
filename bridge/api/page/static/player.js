// The sound: the user's own file, or the service's copy. Without either it is only a position.

import { clock, h, options } from "./dom.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SETTLE = 300; // milliseconds: a second click within them means to edit, not to listen

export class Player {
  constructor(duration, onTime, say) {
    this.duration = duration;
    this.onTime = onTime;
    this.say = say;
    this.position = 0;
    this.audio = h("audio", { preload: "auto" });
    this.button = h("button.primary.play", { type: "button", onclick: () => this.toggle() }, "Play");
    this.shown = h("span.time");
    this.speed = options(h("select", { "aria-label": "Speed" }), SPEEDS.map((one) => [one, `${one}×`]), 1);
    this.speed.addEventListener("change", () => (this.audio.playbackRate = Number(this.speed.value)));
    this.element = h("div.player", {}, this.button, this.shown, this.speed, this.audio);
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.#changed());
    for (const name of ["seeked", "timeupdate"]) this.audio.addEventListener(name, () => this.#update());
    this.audio.addEventListener("loadedmetadata", () => this.#loaded());
    this.audio.addEventListener("error", () => this.ready && this.#lost());
    this.#changed();
    this.#update();
  }

  get time() {
    return this.ready ? this.audio.currentTime : this.position;
  }

  load(source) {
    this.ready = true;
    this.audio.src = source;
  }

  seek(time) {
    clearTimeout(this.soon);
    this.position = Math.min(Math.max(0, time), this.duration);
    if (this.ready) this.audio.currentTime = this.position;
    this.onTime(this.position);
    this.#show();
  }

  // Stands there at once, and plays from there unless something else follows.
  playFrom(time) {
    this.seek(time);
    if (this.ready && this.audio.paused) this.soon = setTimeout(() => this.#play(), SETTLE);
  }

  toggle() {
    clearTimeout(this.soon);
    if (!this.ready) this.say("There is no sound here: choose the sound file to listen.");
    else if (this.audio.paused) this.#play();
    else this.audio.pause();
  }

  hold() {
    clearTimeout(this.soon);
  }

  stop() {
    clearTimeout(this.soon);
    cancelAnimationFrame(this.frame);
    this.audio.removeAttribute("src");
    this.ready = false;
    this.audio.load();
  }

  #play() {
    this.audio.play().catch((error) => error.name !== "AbortError" && this.#lost());
  }

  #lost() {
    this.ready = false;
    this.#changed();
    this.say("This browser cannot play the recording.");
  }

  // A recording from MediaRecorder tells no length, and cannot be sought until it is known.
  #loaded() {
    const begin = this.position;
    if (Number.isFinite(this.audio.duration)) this.audio.currentTime = begin;
    else {
      this.audio.addEventListener("durationchange", () => (this.audio.currentTime = begin), { once: true });
      this.audio.currentTime = 1e7;
    }
    this.audio.playbackRate = Number(this.speed.value);
  }

  #changed() {
    this.button.textContent = this.audio.paused ? "Play" : "Pause";
    cancelAnimationFrame(this.frame);
    const follow = () => {
      this.#update();
      if (!this.audio.paused) this.frame = requestAnimationFrame(follow);
    };
    follow();
  }

  #update() {
    if (this.ready) this.position = this.audio.currentTime;
    this.onTime(this.position);
    this.#show();
  }

  #show() {
    const text = `${clock(this.position)} / ${clock(this.duration)}`;
    if (this.shown.textContent !== text) this.shown.textContent = text;
  }
}
