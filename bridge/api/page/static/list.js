// All recordings that the service still knows, newest first, with search.

import { pause, persist } from "./api.js";
import { clock, field, h, languageName, nameOf, options, when } from "./dom.js";

const STATES = {
  starting: "in the queue", processing: "running", succeeded: "done", failed: "failed", canceled: "canceled",
};
const NEWEST = "v1/predictions";
const LOOK = 3000; // milliseconds between two looks at what has not ended
const SHOWN_AT_ONCE = 200; // rows in the page; a search looks at all that there are

export function showList(main, context) {
  let known = [];
  let following = NEWEST;
  let gone = false;
  let loading = null;
  const search = h("input", { type: "search", placeholder: "Name or date" });
  const language = h("select");
  const state = options(h("select"), [["", "any"], ...Object.entries(STATES)], "");
  const rows = h("ul.records");
  const more = h("button", { type: "button", hidden: true }, "Load older ones");

  const wanted = () => {
    const text = search.value.trim().toLowerCase();
    return known.filter((one) =>
      (!text || `${nameOf(one)} ${when(one.created_at)} ${one.created_at}`.toLowerCase().includes(text)) &&
      (!state.value || one.status === state.value) && (!language.value || languageOf(one) === language.value));
  };
  const count = (found) =>
    context.say(known.length ? `${found.length} of ${known.length}${following ? "+" : ""} recordings` : "");
  const render = () => {
    const found = wanted();
    const focused = document.activeElement.getAttribute("href");
    rows.replaceChildren(...found.slice(0, SHOWN_AT_ONCE).map(row));
    if (focused && document.activeElement === document.body) rows.querySelector(`a[href="${focused}"]`)?.focus();
    if (!found.length) rows.append(h("li.quiet.empty", {}, known.length ? "Nothing matches." : "Nothing yet."));
    more.hidden = !following;
    count(found);
  };
  const ask = (path) => persist(context, () => !gone, () => context.api.json(path));
  const add = (results, isNewest) => {
    const before = JSON.stringify(known);
    const there = new Set(known.map((one) => one.id));
    const fresh = new Map(results.map((one) => [one.id, one]));
    const added = results.filter((one) => !there.has(one.id));
    known = known.map((one) => fresh.get(one.id) ?? one);
    known = isNewest ? [...added, ...known] : [...known, ...added];
    if (isNewest && JSON.stringify(known) === before) return count(wanted()); // nobody's click is disturbed
    const spoken = [...new Set(known.map(languageOf).filter(Boolean))].sort();
    options(language, [["", "any"], ...spoken.map((code) => [code, languageName(code)])], language.value);
    render();
  };
  const take = async () => {
    const page = await ask(following);
    if (gone) return;
    following = page.next && relative(page.next);
    add(page.results, false);
  };
  const watch = async () => {
    while (!gone) {
      await pause(LOOK);
      if (gone || !known.some((one) => !one.completed_at)) continue;
      const page = await ask(NEWEST);
      if (page && !gone) add(page.results, true);
    }
  };
  const load = () => {
    loading ??= take().finally(() => (loading = null));
    return loading;
  };
  const find = async () => {
    render();
    while (following && !gone && (search.value.trim() || language.value || state.value)) await load();
  };
  for (const control of [search, language, state]) control.addEventListener("input", find);
  more.addEventListener("click", load);
  main.append(
    h("h1", {}, "Recordings"),
    h("div.row.filters", {}, field("Search", search), field("Language", language), field("State", state)),
    rows, more);
  load();
  watch();
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
const relative = (url) => `${NEWEST}${new URL(url).search}`;
