// Who speaks: a name for a speaker everywhere, or another speaker for a paragraph or a turn.

import { field, h, modal, options } from "./dom.js";

const NEW = "\n"; // no name holds it

// The edit that somebody wants; null where nothing is to change.
export async function askSpeaker(segments, segment, speakers) {
  const speaker = segments[segment].speaker ?? null;
  const name = h("input", { type: "text", maxlength: "80", value: speaker ?? "", autocomplete: "off" });
  const others = speakers.filter((one) => one !== speaker);
  const to = options(h("select"), [...others.map((one) => [one, one]), [NEW, "somebody new"]], others[0] ?? NEW);
  const reach = options(h("select"), [["turn", "the whole turn"], ["rest", "from this paragraph on"], ["one", "this paragraph"]], "turn");
  const rename = h("form", { method: "dialog" }, field("Name", name), h("button.primary", { value: "rename" }, "Rename everywhere"));
  const give = h("form", { method: "dialog" },
    h("div.row", {}, field("Give", reach), field("to", to)), h("button", { value: "give" }, "Give it"));
  const { closed } = modal("Speaker", speaker !== null && rename, speaker !== null && h("hr"), give);
  name.select();
  const choice = await closed;
  if (choice === "give") {
    const chosen = to.value === NEW ? fresh(speakers) : to.value;
    return { edit: "assign", ...span(segments, segment, reach.value), speaker: chosen };
  }
  const wanted = name.value.trim();
  if (choice !== "rename" || !wanted || wanted === speaker) return null;
  return { edit: "rename", speaker, name: wanted };
}

function span(segments, segment, reach) {
  const same = (at) => (segments[at]?.speaker ?? null) === (segments[segment].speaker ?? null);
  let [first, last] = [segment, segment];
  if (reach === "turn") while (first > 0 && same(first - 1)) first -= 1;
  if (reach !== "one") while (last < segments.length - 1 && same(last + 1)) last += 1;
  return { first, last };
}

function fresh(speakers) {
  let number = speakers.length + 1;
  while (speakers.includes(`Speaker ${number}`)) number += 1;
  return `Speaker ${number}`;
}
