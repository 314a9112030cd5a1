// Starts the page: the token, the address, and which view is shown.

import { Api } from "./api.js";
import { showList } from "./list.js";
import { showPrediction } from "./prediction.js";
import { showStart } from "./start.js";

const main = document.querySelector("#main");
const status = document.querySelector("#status");
const access = document.querySelector("#access");
const token = document.querySelector("#token");
const accessHint = document.querySelector("#access-hint");
const shared = document.querySelector("#shared");
const SETTLE = 400; // milliseconds that a click takes at most
let hiding;

// `/#token=…` is taken once and leaves neither the address nor the history with a secret.
function takeToken() {
  const given = new URLSearchParams(location.hash.replace(/^#\/?/, "")).get("token");
  if (!given) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (!context.api.asking) context.api.token = given;
  else {
    token.value = given; // somebody waits for it
    access.requestSubmit();
  }
}

function askForToken(message, needed) {
  clearTimeout(hiding);
  access.hidden = false;
  const hint = needed ? "The token of this service. It stays in this tab." : "Leave it empty to go on without one.";
  accessHint.textContent = `${message} ${hint}`.trim();
  accessHint.classList.toggle("wrong", Boolean(message));
  token.setAttribute("aria-invalid", String(Boolean(message)));
  token.required = needed;
  say(message || "An access token is needed.");
  token.select();
  return new Promise((resolve) => {
    const give = ({ type }) => {
      if (!token.value.trim() && (needed || type === "change")) return;
      access.removeEventListener("submit", give);
      token.removeEventListener("change", give);
      // Leaving the field for a button must not move that button away from under the pointer.
      hiding = setTimeout(() => (access.hidden = true), type === "change" ? SETTLE : 0);
      say("");
      context.api.token = token.value.trim();
      tellSharing();
      resolve();
    };
    access.addEventListener("submit", give);
    token.addEventListener("change", give);
  });
}

access.addEventListener("submit", (event) => event.preventDefault());

// Before anything is sent, people know who will see it. A service that is away tells the view.
function tellSharing() {
  context.api.shared().then((open) => (shared.hidden = !open)).catch(() => {});
}

function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

const context = {
  api: new Api(askForToken),
  files: new Map(), // prediction id -> the user's own file, to listen to
  drafts: new Map(), // prediction id -> corrections that are not saved yet
  say,
  go: (route) => {
    if (location.hash === `#${route}`) show();
    else location.hash = route;
  },
};

let leave = () => {};

async function show() {
  takeToken();
  const [, view, id] = location.hash.match(/^#\/(\w*)(?:\/([\w-]+))?/) ?? [];
  if (leave() === false) return;
  tellSharing();
  main.replaceChildren();
  document.body.className = "";
  for (const link of document.querySelectorAll("nav a"))
    if (link.hash === `#/${view ?? ""}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  const views = { list: showList, p: showPrediction };
  leave = (views[view] ?? showStart)(main, context, id) ?? (() => {});
}

addEventListener("hashchange", show);
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  say(event.reason?.message ?? "Something went wrong.");
});
show();
