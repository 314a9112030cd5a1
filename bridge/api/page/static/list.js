// All recordings that the service still knows, newest first, with search.

import { clock, field, h, languageName, nameOf, options, when } from "./dom.js";

const STATES = {
  starting: "in the queue", processing: "running", succeeded: "done", failed: "failed", canceled: "canceled",
};
const SHOWN_AT_ONCE = 200; // rows in the page; the search looks at all that were loaded

export function showList(main, context) {
  let known = [];
  let following = "v1/predictions";
  let gone = false;
  const search = h("input", { type: "search", placeholder: "Name or date" });
  const language = h("select");
  const state = options(h("select"), [["", "any"], ...Object.entries(STATES)], "");
  const rows = h("ul.records");
  const more = h("button", { type: "button", hidden: true }, "Load older ones");

  const render = () => {
    const text = search.value.trim().toLowerCase();
    const found = known.filter((one) =>
      (!text || `${nameOf(one)} ${when(one.created_at)} ${one.created_at}`.toLowerCase().includes(text)) &&
      (!state.value || one.status === state.value) && (!language.value || languageOf(one) === language.value));
    rows.replaceChildren(...found.slice(0, SHOWN_AT_ONCE).map(row));
    if (!found.length) rows.append(h("li.quiet.empty", {}, known.length ? "Nothing matches." : "Nothing yet."));
    more.hidden = !following;
    context.say(known.length ? `${found.length} of ${known.length}${following ? "+" : ""} recordings` : "");
  };
  const load = async () => {
    const page = await context.api.json(following);
    if (gone) return;
    const fresh = new Set(page.results.map((one) => one.id));
    known = [...known.filter((one) => !fresh.has(one.id)), ...page.results];
    following = page.next && relative(page.next);
    const spoken = [...new Set(known.map(languageOf).filter(Boolean))].sort();
    options(language, [["", "any"], ...spoken.map((code) => [code, languageName(code)])], language.value);
    render();
  };
  for (const control of [search, language, state]) control.addEventListener("input", render);
  more.addEventListener("click", load);
  main.append(
    h("h1", {}, "Recordings"),
    h("div.row.filters", {}, field("Search", search), field("Language", language), field("State", state)),
    rows, more);
  load();
  return () => {
    gone = true;
    context.say("");
  };
}

function row(prediction) {
  const length = prediction.metrics.audio_seconds;
  const facts = [when(prediction.created_at), length && clock(length), languageName(languageOf(prediction))];
  return h("li", {},
    h("a", { href: `#/p/${prediction.id}` }, h("bdi.name", {}, nameOf(prediction))),
    h("span.quiet", {}, facts.filter(Boolean).join(" · ")),
    h(`span.state.${prediction.status}`, {}, STATES[prediction.status]));
}

const languageOf = (prediction) => prediction.metrics.language ?? prediction.input.language ?? "";

// The list's next page, from wherever this page was reached.
const relative = (url) => `v1/predictions${new URL(url).search}`;
