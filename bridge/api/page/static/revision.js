// Corrections: the same table as transcription/revision.py, for the page; a test compares the two.
// Nothing here knows the document or the network, and nothing is changed in place.

const MAX_COMPARED = 40_000;
const SPACES =
  /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+/;
const CONTROL = /[\x00-\x1f\x7f]|\p{Surrogate}/gu;
export const WITHOUT_SPACES = new Set(["ja", "zh"]);

const space = (language) => (WITHOUT_SPACES.has(language) ? "" : " ");
const EDGES = new RegExp(`^${SPACES.source}|${SPACES.source}$`, "g");
const trimmed = (text) => text.replace(EDGES, "");
const split = (text) => text.split(SPACES).filter(Boolean);
const lengthOf = (text) => [...text].length;

// The words of `text`; every character where the language writes no spaces.
export function tokens(text, language) {
  const pieces = split(text.replace(CONTROL, " "));
  return WITHOUT_SPACES.has(language) ? [...pieces.join("")] : pieces;
}

// An edit as [first segment, how many are replaced, their replacements].
const EDITS = {
  text: ({ segment, text }, segments, language) => {
    const old = segments[segment];
    const pieces = tokens(text, language);
    const { words, chars, ...rest } = old;
    const changed = { ...rest, text: pieces.join(space(language)) };
    if (words?.length) changed.words = followed(old, pieces);
    return [segment, 1, [changed]];
  },
  rename: ({ speaker, name }, segments) => {
    const changed = segments.map((one) => (one.speaker === speaker ? spoken(one, name) : one));
    return [0, segments.length, changed];
  },
  assign: ({ first, last, speaker }, segments) => {
    const given = segments.slice(first, last + 1).map((one) => spoken(one, speaker));
    return [first, given.length, given];
  },
  split: ({ segment, word }, segments) => [segment, 1, divided(segments[segment], word)],
  merge: ({ segment }, segments, language) => {
    const joined = merged(segments[segment], segments[segment + 1], space(language));
    return [segment, 2, [joined]];
  },
};

// A transcript under correction. `edits` is what is saved; undone edits wait in `undone`.
export class History {
  constructor(segments, language, edits = []) {
    this.segments = segments;
    this.language = language;
    this.edits = [];
    this.undone = [];
    this.#splices = [];
    for (const edit of edits) this.make(edit);
  }
  #splices;

  make(edit) {
    this.undone = [];
    this.#apply(edit);
  }

  undo() {
    const edit = this.edits.at(-1);
    if (!edit) return;
    const [at, removed, added] = this.#splices.pop();
    this.segments = spliced(this.segments, at, added.length, removed);
    this.edits = this.edits.slice(0, -1);
    this.undone = [...this.undone, edit];
  }

  redo() {
    const edit = this.undone.at(-1);
    if (!edit) return;
    this.undone = this.undone.slice(0, -1);
    this.#apply(edit);
  }

  #apply(edit) {
    const [at, count, added] = EDITS[edit.edit](edit, this.segments, this.language);
    this.#splices.push([at, this.segments.slice(at, at + count), added]);
    this.segments = spliced(this.segments, at, count, added);
    this.edits = [...this.edits, edit];
  }
}

// What a segment can be split between: its words, or those of its text with the time shared.
export function wordsOf(segment) {
  if (segment.words?.length) return segment.words;
  const pieces = split(segment.text);
  return placed(pieces, [], segment.start, Math.max(segment.start, segment.end));
}

function followed(segment, pieces) {
  const old = segment.words;
  const kept = [...common(old.map((word) => word.word), pieces), [old.length, pieces.length]];
  const words = [];
  let [i, j] = [0, 0];
  for (const [at, to] of kept) {
    const replaced = old.slice(i, at);
    const begun = replaced[0]?.start ?? words.at(-1)?.end ?? segment.start;
    const ended = replaced.at(-1)?.end ?? old[at]?.start ?? segment.end;
    const added = placed(pieces.slice(j, to), replaced, begun, Math.max(begun, ended));
    words.push(...added.map((word) => withSpeaker(word, segment.speaker)));
    if (at < old.length) words.push(old[at]);
    [i, j] = [at + 1, to + 1];
  }
  return words;
}

function placed(pieces, replaced, start, end) {
  if (replaced.length && pieces.length === replaced.length)
    return pieces.map((word, n) => ({ word, start: replaced[n].start, end: replaced[n].end, score: null }));
  const total = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
  let passed = 0;
  let begun = start;
  return pieces.map((word) => {
    passed += lengthOf(word);
    const until = start + ((end - start) * passed) / total;
    const one = { word, start: begun, end: until, score: null };
    begun = until;
    return one;
  });
}

function common(old, fresh) {
  const least = Math.min(old.length, fresh.length);
  let head = 0;
  while (head < least && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < least - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  const rows = old.length - head - tail;
  const columns = fresh.length - head - tail;
  const middle =
    rows * columns > 0 && rows * columns <= MAX_COMPARED
      ? longest(old.slice(head, head + rows), fresh.slice(head, head + columns))
      : [];
  const pairs = [];
  for (let place = 0; place < head; place += 1) pairs.push([place, place]);
  for (const [i, j] of middle) pairs.push([head + i, head + j]);
  for (let back = tail; back > 0; back -= 1) pairs.push([old.length - back, fresh.length - back]);
  return pairs;
}

function longest(old, fresh) {
  const table = Array.from({ length: old.length + 1 }, () => new Uint16Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = fresh.length - 1; j >= 0; j -= 1)
      table[i][j] =
        old[i] === fresh[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  const pairs = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < fresh.length) {
    if (old[i] === fresh[j]) pairs.push([i++, j++]);
    else if (table[i + 1][j] >= table[i][j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

function divided(segment, word) {
  const { words, chars, ...rest } = segment;
  let offset;
  let until;
  let since;
  if (words?.length) {
    offset = offsetOf(segment, word);
    [until, since] = [words[word - 1].end, words[word].start];
  } else {
    offset = tokenOffset(segment.text, word);
    const share = lengthOf(trimmed(segment.text.slice(0, offset))) / Math.max(1, lengthOf(trimmed(segment.text)));
    until = since = segment.start + (segment.end - segment.start) * share;
  }
  const left = { ...rest, text: trimmed(segment.text.slice(0, offset)), end: until };
  const right = { ...rest, text: trimmed(segment.text.slice(offset)), start: since };
  if (words?.length) [left.words, right.words] = [words.slice(0, word), words.slice(word)];
  return [left, right];
}

function offsetOf(segment, word) {
  let position = 0;
  for (const spokenWord of segment.words.slice(0, word)) {
    const found = segment.text.indexOf(spokenWord.word, position);
    if (found >= 0) position = found + spokenWord.word.length;
  }
  return position;
}

function tokenOffset(text, number) {
  let position = 0;
  for (const [passed, piece] of split(text).entries()) {
    position = text.indexOf(piece, position);
    if (passed === number) break;
    position += piece.length;
  }
  return position;
}

function merged(left, right, join) {
  const { words, chars, avg_logprob, no_speech_prob, ...rest } = left;
  const joined = {
    ...rest,
    text: [trimmed(left.text), trimmed(right.text)].filter(Boolean).join(join),
    start: Math.min(left.start, right.start),
    end: Math.max(left.end, right.end),
  };
  if (words?.length && right.words?.length)
    joined.words = [...words, ...spoken(right, left.speaker).words];
  return joined;
}

function spoken(segment, speaker) {
  const changed = withSpeaker(segment, speaker);
  if (segment.words) changed.words = segment.words.map((word) => withSpeaker(word, speaker));
  return changed;
}

function withSpeaker({ speaker: _, ...rest }, speaker) {
  return speaker == null ? rest : { ...rest, speaker };
}

const spliced = (list, at, count, added) => [...list.slice(0, at), ...added, ...list.slice(at + count)];
