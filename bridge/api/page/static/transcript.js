// The words on the page. Of a long transcript only what is in sight is in the document: rows of
// known height stand at their places, and come and go as one scrolls.

import { clock, h } from "./dom.js";
import { WITHOUT_SPACES, tokens, wordsOf } from "./revision.js";

const OVERSCAN = 400; // pixels above and below that are there already
const WHOLE = 1500; // a transcript of so many words is there as a whole, also for the browser's search
const ROW_WORDS = 300; // a longer segment takes several rows
const LINE = 28; // pixels, for guesses of heights; every row is measured once it is there
const LETTER = 8.4;

export class Transcript {
  // `does` holds what happens outside: seek(time), hold(), toggle(), touched(), edit(edit),
  // speaker(segment).
  constructor(language, does) {
    this.language = language;
    this.does = does;
    this.space = WITHOUT_SPACES.has(language) ? "" : " ";
    this.body = h("div.rows");
    this.element = h("section.transcript", { "aria-label": "Transcript", tabindex: "0" }, this.body);
    this.heights = new WeakMap();
    this.there = new Map(); // row number -> element
    this.found = new Set();
    this.current = -1;
    this.doubt = 0.5;
    this.editing = null;
    this.element.addEventListener("scroll", () => this.#later());
    this.element.addEventListener("click", (event) => this.#clicked(event));
    this.element.addEventListener("dblclick", (event) => this.#edits(event));
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
    this.observer = new ResizeObserver(() => this.#resized());
    this.observer.observe(this.element);
  }

  leave() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  show(segments, colourOf) {
    const anchor = this.#anchor();
    this.segments = segments;
    this.colourOf = colourOf;
    this.named = segments.some((one) => one.speaker);
    this.#arrange();
    this.#clear();
    this.#restore(anchor);
    this.#draw();
  }

  // Marks the word that sounds; brings it into sight where that is wanted.
  at(time, follow) {
    const now = this.#wordAt(time);
    if (now === this.current) return;
    this.current = now;
    this.#mark();
    if (follow && now >= 0 && !this.editing) this.#reveal(this.rowOf[now]);
  }

  // Marks all places of a text; how many there are.
  find(text) {
    this.found = new Set();
    this.hits = [];
    const wanted = tokens(text.toLowerCase(), this.language).join(this.space);
    if (wanted) for (let row = 0; row < this.rows.length; row += 1) this.#findIn(row, wanted);
    this.#clear();
    this.#draw();
    return this.hits.length;
  }

  goToHit(number) {
    const at = this.hits[number];
    this.#reveal(this.rowOf[at]);
    this.does.seek(this.starts[at]);
  }

  mark(below) {
    this.doubt = below;
    this.#clear();
    this.#draw();
  }

  focusWord(at, play = true) {
    if (at < 0 || at >= this.starts.length) return;
    this.#reveal(this.rowOf[at]);
    const element = this.#elementOf(at);
    if (!element) return;
    this.element.querySelector(".word[tabindex='0']")?.setAttribute("tabindex", "-1");
    element.tabIndex = 0;
    element.focus({ preventScroll: true });
    if (play) this.does.seek(this.starts[at]);
  }

  // Writes what is being edited; nothing where nothing is.
  commit() {
    const { segment, box, before } = this.editing ?? {};
    if (!box) return;
    this.editing = null;
    const text = tokens(box.value, this.language).join(this.space);
    if (text !== before) this.does.edit({ edit: "text", segment, text });
    else this.show(this.segments, this.colourOf);
  }

  #arrange() {
    this.rows = [];
    const [starts, rowOf] = [[], []];
    let speaker;
    this.segments.forEach((segment, number) => {
      const words = wordsOf(segment);
      const turn = number === 0 || (segment.speaker ?? null) !== speaker;
      speaker = segment.speaker ?? null;
      for (let from = 0; from === 0 || from < words.length; from += ROW_WORDS) {
        const own = words.slice(from, from + ROW_WORDS);
        this.rows.push({ segment, number, from, words: own, turn: turn && !from, first: starts.length });
        for (const word of own) {
          starts.push(word.start);
          rowOf.push(this.rows.length - 1);
        }
      }
    });
    [this.starts, this.rowOf] = [Float64Array.from(starts), Uint32Array.from(rowOf)];
    this.current = -1;
    this.#guess();
  }

  // Heights of all rows: as they were measured, or as their letters make probable.
  #guess() {
    this.sizes = Float64Array.from(this.rows, (row) => this.#height(row));
    this.#place();
  }

  #height(row) {
    const known = this.heights.get(row.segment)?.[`${row.from}${row.turn}`];
    if (known) return known;
    const letters = row.words.reduce((sum, { word }) => sum + word.length + 1, 0);
    return LINE * Math.max(1, Math.ceil((letters * LETTER) / Math.max(200, this.width ?? 600))) + (row.turn ? 26 : 10);
  }

  #place() {
    this.tops = new Float64Array(this.rows.length + 1);
    for (let at = 0; at < this.rows.length; at += 1) this.tops[at + 1] = this.tops[at] + this.sizes[at];
    this.body.style.height = `${this.tops.at(-1)}px`;
  }

  #later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#draw());
  }

  #resized() {
    if (!this.rows || this.width === this.body.clientWidth) return;
    const anchor = this.#anchor();
    this.width = this.body.clientWidth;
    this.heights = new WeakMap();
    this.#guess();
    for (const number of this.there.keys()) this.#measure(number);
    this.#place();
    this.#restore(anchor);
    this.#draw();
  }

  // What is at the top, so that it stays there while heights change.
  #anchor() {
    if (!this.rows?.length) return null;
    const row = this.#rowAt(this.element.scrollTop);
    return [row, this.element.scrollTop - this.tops[row]];
  }

  #restore(anchor) {
    if (!anchor) return;
    const row = Math.min(anchor[0], this.rows.length - 1);
    const top = row < 0 ? 0 : this.tops[row] + anchor[1];
    if (Math.abs(top - this.element.scrollTop) > 0.5) this.element.scrollTop = top;
  }

  #rowAt(y) {
    let [low, high] = [0, Math.max(0, this.rows.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #draw() {
    for (let round = 0; round < 4 && this.#fill(); round += 1);
    this.#mark();
  }

  // Puts in what is in sight and takes out what is not; whether heights turned out different.
  #fill() {
    const anchor = this.#anchor();
    if (!anchor) return false;
    const [top, seen] = [this.element.scrollTop, this.element.clientHeight];
    const beyond = this.starts.length > WHOLE ? OVERSCAN : Infinity;
    const first = this.#rowAt(top - beyond);
    const last = this.#rowAt(top + seen + beyond);
    for (const [number, element] of this.there)
      if ((number < first || number > last) && !element.contains(document.activeElement) && this.editing?.row !== number) {
        element.remove();
        this.there.delete(number);
      }
    const fresh = this.#put(first, last);
    let different = false;
    for (const number of fresh) different = this.#measure(number) || different;
    if (different) {
      this.#place();
      this.#restore(anchor);
    }
    for (const [number, element] of this.there) element.style.transform = `translateY(${this.tops[number]}px)`;
    return different;
  }

  // Puts in the rows that are not there, from the last to the first; their numbers.
  #put(first, last) {
    const fresh = [];
    let next = [...this.body.children].find((one) => Number(one.dataset.row) > last) ?? null;
    for (let number = last; number >= first; number -= 1) {
      let element = this.there.get(number);
      if (!element) {
        element = this.#row(this.rows[number], number);
        this.body.insertBefore(element, next);
        this.there.set(number, element);
        fresh.push(number);
      }
      next = element;
    }
    return fresh;
  }

  #measure(number) {
    const row = this.rows[number];
    const height = this.there.get(number).offsetHeight;
    if (!height || height === this.sizes[number]) return false;
    this.sizes[number] = height;
    this.heights.set(row.segment, { ...this.heights.get(row.segment), [`${row.from}${row.turn}`]: height });
    return true;
  }

  #clear() {
    this.body.replaceChildren();
    this.there.clear();
  }

  #row(row, number) {
    const { segment } = row;
    const words = row.words.flatMap((word, at) => [at ? this.space : "", this.#word(row, word, at)]);
    const who = row.turn && this.named &&
      h("button.speaker", { type: "button", "aria-haspopup": "dialog" }, h("bdi", {}, segment.speaker ?? "Nobody"));
    const element = h("div.row-of-words", { "data-row": String(number), "data-segment": String(row.number) },
      h("div.who", {}, who, h("span.time", {}, clock(segment.start))),
      h("p.text", { dir: "auto" }, words.length ? words : h("span.quiet", {}, "…")),
      h("button.plain.edit", { type: "button", "aria-label": `Edit at ${clock(segment.start)}` }, "Edit"));
    element.classList.toggle("turn", row.turn);
    element.style.setProperty("--speaker", `var(${this.colourOf(segment.speaker)})`);
    return element;
  }

  #word(row, { word, start, end, score, probability = score }, at) {
    const attributes = { "data-start": start.toFixed(3), "data-end": end.toFixed(3), tabindex: "-1" };
    const element = h("span.word", attributes, word);
    if (typeof probability === "number" && probability < this.doubt) {
      element.classList.add("doubt");
      element.title = `Heard with a probability of ${Math.round(100 * probability)} %`;
    }
    if (this.found.has(row.first + at)) element.classList.add("hit");
    return element;
  }

  #mark() {
    this.marked?.classList.remove("now");
    this.marked?.removeAttribute("aria-current");
    this.marked = this.#elementOf(this.current);
    this.marked?.classList.add("now");
    this.marked?.setAttribute("aria-current", "true");
  }

  #elementOf(at) {
    if (at < 0 || at >= this.starts.length) return null;
    const row = this.rowOf[at];
    return this.there.get(row)?.querySelectorAll(".word")[at - this.rows[row].first] ?? null;
  }

  #indexOf(element) {
    const row = element.closest("[data-row]");
    const at = [...row.querySelectorAll(".word")].indexOf(element);
    return this.rows[Number(row.dataset.row)].first + at;
  }

  // The last word that has begun.
  #wordAt(time) {
    let [low, high] = [-1, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= time + 0.001) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #reveal(row) {
    const [top, seen] = [this.element.scrollTop, this.element.clientHeight];
    if (this.tops[row] < top || this.tops[row + 1] > top + seen) this.element.scrollTop = this.tops[row] - seen / 3;
    this.#draw();
  }

  #findIn(number, wanted) {
    const row = this.rows[number];
    const ends = [];
    let text = "";
    for (const { word } of row.words) {
      text += (text && this.space) + word.toLowerCase();
      ends.push(text.length);
    }
    for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + 1)) {
      const first = ends.findIndex((end) => end > from);
      this.hits.push(row.first + first);
      for (let at = first; at < ends.length && (at === first || ends[at - 1] < from + wanted.length); at += 1)
        this.found.add(row.first + at);
    }
  }

  #clicked(event) {
    const word = event.target.closest(".word");
    const row = event.target.closest("[data-row]");
    if (word) this.focusWord(this.#indexOf(word));
    else if (event.target.closest(".speaker")) this.does.speaker(Number(row.dataset.segment));
    else if (event.target.closest(".edit")) this.#edit(Number(row.dataset.row), 0);
  }

  #edits(event) {
    const word = event.target.closest(".word");
    if (!word) return;
    const row = word.closest("[data-row]");
    this.#edit(Number(row.dataset.row), [...row.querySelectorAll(".word")].indexOf(word));
  }

  // The words of a row as text to write in, the given word selected.
  #edit(number, word) {
    this.does.hold();
    if (this.editing) this.commit();
    const row = this.rows[number];
    if (!row) return;
    if (!this.there.has(number)) this.#reveal(number);
    const all = wordsOf(row.segment).map((one) => one.word);
    const before = all.join(this.space);
    const box = h("textarea", { "aria-label": `Text at ${clock(row.segment.start)}`, dir: "auto", rows: 1, spellcheck: true });
    box.value = before;
    const tool = (label, act) => h("button", { type: "button", onmousedown: (event) => event.preventDefault(), onclick: act }, label);
    const tools = h("div.tools", {},
      tool("Done", () => this.commit()),
      tool("Split here", () => this.#split()),
      row.number > 0 && tool("Merge with above", () => this.#join()),
      tool("Speaker…", () => this.#giveAway()),
      tool("Discard", () => this.#discard()));
    const element = this.there.get(number);
    element.querySelector(".text").replaceWith(h("div.text", {}, box, tools));
    element.classList.add("edited");
    this.editing = { row: number, segment: row.number, box, before };
    const grow = () => {
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight + 2}px`;
      if (this.#measure(number)) this.#place();
      this.#later();
    };
    box.addEventListener("input", () => {
      grow();
      this.does.touched();
    });
    element.addEventListener("focusout", ({ relatedTarget }) => {
      if (this.editing?.box === box && !element.contains(relatedTarget) && document.hasFocus()) this.commit();
    });
    const at = row.from + word;
    const begin = all.slice(0, at).join(this.space).length + (at ? this.space.length : 0);
    box.focus();
    box.setSelectionRange(begin, begin + (all[at]?.length ?? 0));
    grow();
  }

  #split() {
    const { segment, box } = this.editing;
    const word = tokens(box.value.slice(0, box.selectionStart), this.language).length;
    const all = tokens(box.value, this.language).length;
    this.commit();
    if (word > 0 && word < all) this.does.edit({ edit: "split", segment, word });
  }

  #join() {
    const { segment } = this.editing;
    this.commit();
    this.does.edit({ edit: "merge", segment: segment - 1 });
  }

  #giveAway() {
    const { segment } = this.editing;
    this.commit();
    this.does.speaker(segment);
  }

  #discard() {
    const { row } = this.editing;
    this.editing = null;
    this.show(this.segments, this.colourOf);
    this.focusWord(this.rows[row].first, false);
  }

  #pressed(event) {
    if (this.editing?.box === event.target) {
      if (event.isComposing) return;
      if (event.key === "Enter") {
        event.preventDefault();
        const { row } = this.editing;
        if (event.ctrlKey || event.metaKey) this.#split();
        else this.commit();
        this.focusWord(this.rows[Math.min(row, this.rows.length - 1)].first, false);
      } else if (event.key === "Escape") this.#discard();
      return;
    }
    if (event.target.closest("button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const word = event.target.closest(".word");
    const at = word ? this.#indexOf(word) : Math.max(0, this.current, this.rows[this.#rowAt(this.element.scrollTop)]?.first ?? 0);
    if (this.#moved(event.key, word, at)) event.preventDefault();
  }

  // What a key does at a word; whether it means anything.
  #moved(key, word, at) {
    const step = word && getComputedStyle(word).direction === "rtl" ? -1 : 1;
    const row = this.rowOf[at] ?? 0;
    const to = {
      ArrowRight: word ? at + step : at,
      ArrowLeft: at - step,
      ArrowDown: this.rows[row + 1]?.first,
      ArrowUp: this.rows[row - 1]?.first,
      Home: 0,
      End: this.starts.length - 1,
    };
    if (key in to) this.focusWord(to[key] ?? at);
    else if (key === "Enter" || key === "F2") this.#edit(row, word ? at - this.rows[row].first : 0);
    else if (key === " ") this.does.toggle();
    else return false;
    return true;
  }
}
