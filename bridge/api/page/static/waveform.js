// The recording at a glance: a lane per speaker, drawn from peaks that the service computed.

import { clock, h } from "./dom.js";

const LANE = 26; // pixels
const LEAST = 20; // seconds that are shown at most magnified
const NOBODY = "";

export class Waveform {
  constructor(duration, peaks, seek, colourOf) {
    this.duration = Math.max(duration, 0.1);
    this.peaks = peaks;
    this.seek = seek;
    this.colourOf = colourOf;
    this.span = this.duration;
    this.begin = 0;
    this.width = 0;
    this.segments = [];
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.head = h("div.head", { "aria-hidden": "true" });
    this.names = h("div.lanes", { "aria-hidden": "true" });
    this.slider = h("input", { type: "range", step: "any", "aria-label": "Position" });
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    const zoom = (factor, sign, label) =>
      h("button.plain", { type: "button", "aria-label": label, onclick: () => this.zoom(factor) }, sign);
    this.element = h("section.waveform", { "aria-label": "Waveform" }, this.names,
      h("div.stage", {}, this.canvas, this.head, this.slider),
      h("div.zoom", {}, zoom(2, "+", "Show less time"), zoom(0.5, "−", "Show more time")));
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.canvas.parentElement);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.dark.addEventListener("change", this.redraw);
  }

  leave() {
    this.observer.disconnect();
    this.dark.removeEventListener("change", this.redraw);
  }

  show(segments, speakers) {
    this.segments = segments;
    this.speakers = speakers.length ? speakers : [NOBODY];
    this.names.replaceChildren(...this.speakers.map((name) => h("bdi", {}, name)));
    this.draw();
  }

  zoom(factor) {
    this.span = Math.min(this.duration, Math.max(Math.min(LEAST, this.duration), this.span / factor));
    this.#center(Number(this.slider.value));
    this.draw();
  }

  at(time) {
    if (time < this.begin || time > this.begin + this.span) {
      this.#center(time + this.span / 3);
      this.draw();
    }
    this.slider.value = time;
    this.slider.setAttribute("aria-valuetext", clock(time));
    const share = (time - this.begin) / this.span;
    this.head.style.transform = `translateX(${share * this.width}px)`;
  }

  #center(time) {
    this.begin = Math.min(Math.max(0, time - this.span / 2), this.duration - this.span);
  }

  draw() {
    const width = this.canvas.parentElement.clientWidth;
    if (!width || !this.speakers) return;
    this.width = width; // looking it up again for every frame would lay the page out again
    const height = this.speakers.length * LANE;
    const scale = devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [width * scale, height * scale];
    this.canvas.style.height = `${height}px`;
    this.slider.min = this.begin;
    this.slider.max = this.begin + this.span;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(this.element);
    for (const [lane, name] of this.speakers.entries()) {
      const middle = lane * LANE + LANE / 2;
      pen.fillStyle = style.getPropertyValue("--line");
      pen.fillRect(0, middle - 0.5, width, 1);
      pen.fillStyle = style.getPropertyValue(this.colourOf(name));
      for (const [x, level] of this.#columns(name, width)) {
        const half = Math.max(1, level * (LANE / 2 - 2));
        pen.fillRect(x, middle - half, 1, 2 * half);
      }
    }
    this.at(Number(this.slider.value));
  }

  // Column -> how loud the speaker is there, 0 to 1.
  #columns(name, width) {
    const columns = new Map();
    const perSecond = width / this.span;
    for (const segment of this.segments) {
      if ((segment.speaker ?? NOBODY) !== name && name !== NOBODY) continue;
      if (segment.end < this.begin || segment.start > this.begin + this.span) continue;
      const first = Math.max(0, Math.floor((segment.start - this.begin) * perSecond));
      const last = Math.min(width - 1, Math.floor((segment.end - this.begin) * perSecond));
      for (let x = first; x <= last; x += 1) {
        const from = Math.max(segment.start, this.begin + x / perSecond);
        const to = Math.min(segment.end, this.begin + (x + 1) / perSecond);
        columns.set(x, Math.max(columns.get(x) ?? 0, this.#loudest(from, to)));
      }
    }
    return columns;
  }

  #loudest(from, to) {
    const { per_second: rate, peaks } = this.peaks;
    const last = Math.min(peaks.length - 1, Math.floor(to * rate));
    if (!peaks.length) return 0.5; // no peaks are known
    let loudest = 0;
    for (let at = Math.max(0, Math.floor(from * rate)); at <= last; at += 1)
      if (peaks[at] > loudest) loudest = peaks[at];
    return loudest / 100;
  }
}
