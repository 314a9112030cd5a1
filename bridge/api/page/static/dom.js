// Small helpers for elements. Text only ever becomes text: nothing here parses HTML.

// h("button.primary", { type: "button", onclick: f, "aria-label": "x" }, "text", child)
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && !key.includes("-") && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let numbered = 0;

// A control with its label and, perhaps, a hint.
export function field(label, control, hint = "") {
  control.id ||= `field-${(numbered += 1)}`;
  const parts = [h("label", { for: control.id }, label), control];
  if (hint) {
    const id = `${control.id}-hint`;
    control.setAttribute("aria-describedby", id);
    parts.push(h("p.hint", { id }, hint));
  }
  return h("div.field", {}, parts);
}

export function check(label, control) {
  control.id ||= `field-${(numbered += 1)}`;
  return h("div.check", {}, control, h("label", { for: control.id }, label));
}

export function options(select, entries, chosen) {
  select.replaceChildren(
    ...entries.map(([value, text]) => h("option", { value: String(value), selected: value === chosen }, text)),
  );
  return select;
}

// Shows a modal dialog; resolves with its return value once it is closed.
export function modal(title, ...content) {
  const id = `dialog-${(numbered += 1)}`;
  const dialog = h("dialog.card", { "aria-labelledby": id }, h("h2", { id }, title), ...content);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close(""));
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
  dialog.showModal();
  return { dialog, closed };
}

// 3:07, or 1:03:07.
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// "about 40 seconds", "about 3 minutes", "about 2 hours".
export function about(seconds) {
  const [count, unit] =
    seconds < 90 ? [Math.max(1, Math.round(seconds)), "second"]
    : seconds < 5400 ? [Math.round(seconds / 60), "minute"]
    : [Math.round(seconds / 3600), "hour"];
  return `about ${count} ${unit}${count === 1 ? "" : "s"}`;
}

const languages = new Intl.DisplayNames(undefined, { type: "language" });

// "English" for "en"; a code that the browser does not know stays as it is.
export function languageName(code) {
  if (!code) return "";
  try {
    return languages.of(code);
  } catch {
    return code;
  }
}

export const when = (text) =>
  new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// The name of a recording, from what the record shows of it: "talk.wav (123 bytes)", or its URL.
export function nameOf(prediction) {
  const shown = String(prediction.input.audio_file ?? prediction.input.audio ?? "");
  const bare = shown.replace(/ \(\d+ bytes\)$/, "");
  if (bare.startsWith("data:")) return "Recording";
  const last = /^https?:/.test(bare) ? bare.split(/[?#]/)[0].split("/").filter(Boolean).at(-1) : bare;
  return last || "Recording";
}
