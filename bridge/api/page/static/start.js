// A new transcript: drop or choose files, paste a URL, or record; and what to know about them.

import { persist } from "./api.js";
import { check, field, h, options } from "./dom.js";
import { recorder } from "./microphone.js";

// Inputs with a control of their own, and those that only programs use.
const SHOWN = ["language", "num_speakers", "hotwords", "task", "whisper_model"];
const HIDDEN = [
  "audio_file", "audio", "output_format", "debug", "huggingface_access_token",
  "known_speaker_names", "known_speaker_references",
];

export function showStart(main, context) {
  const chosen = [];
  const files = h("input", { type: "file", multiple: true, accept: "audio/*,video/*", id: "recording" });
  const list = h("ul.chosen", { "aria-label": "Chosen files" });
  const url = h("input", { type: "url", placeholder: "https://…", autocomplete: "off" });
  const settings = h("div.inputs");
  const submit = h("button.primary.large", { type: "submit" }, "Transcribe");

  const render = () => {
    list.replaceChildren(
      ...chosen.map((file, at) =>
        h("li", {}, h("span.name", {}, file.name), h("span.quiet", {}, size(file.size)),
          h("button.plain", { type: "button", onclick: () => {
            chosen.splice(at, 1);
            render();
          } }, h("span.unseen", {}, `Leave out ${file.name}`), h("span", { "aria-hidden": "true" }, "×"))),
      ),
    );
    list.hidden = !chosen.length;
  };
  const take = (given) => {
    chosen.push(...given);
    render();
    context.say(given.length ? `${chosen.map((file) => file.name).join(", ")}: ready to transcribe.` : "");
  };
  files.addEventListener("change", () => {
    take([...files.files]);
    files.value = "";
  });
  const drop = h("div.drop", {},
    h("p.big", {}, "Drop a recording here"),
    h("p.quiet", {}, "or choose one, paste a link, or record"),
    h("label.button", { for: "recording" }, "Recording"), files);
  const onDrag = (event) => {
    event.preventDefault();
    drop.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") take([...event.dataTransfer.files]);
  };
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, onDrag);

  const recording = recorder((file) => take([file]), context.say);
  const form = h("form.start", { novalidate: true },
    h("h1", {}, "New transcript"), drop, list,
    h("div.ways", {}, field("Or paste a link", url), recording.element),
    settings, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    try {
      await transcribe(context, chosen, url.value.trim(), inputsOf(settings));
    } catch (error) {
      context.say(error.message);
    } finally {
      render(); // without what was sent
      submit.disabled = false;
    }
  });
  render();
  main.append(form);
  let gone = false;
  showSettings(context, settings, () => !gone);
  persist(context, () => !gone, () => context.api.json("v1/account")); // asks for a token where one is needed
  return () => {
    gone = true;
    for (const type of ["dragover", "dragleave", "drop"]) document.removeEventListener(type, onDrag);
    recording.stop();
  };
}

async function transcribe(context, chosen, url, inputs) {
  if (!chosen.length && !url) {
    context.say("Choose a recording first, or paste a link to one.");
    return;
  }
  const created = [];
  while (chosen.length) {
    const file = chosen[0];
    const onProgress = (share) => context.say(`Sending ${file.name}: ${Math.round(100 * share)} %`);
    onProgress(0);
    try {
      const prediction = await context.api.upload(file, inputs, onProgress);
      context.files.set(prediction.id, file);
      created.push(prediction.id);
    } catch (error) {
      const several = created.length + chosen.length > 1;
      throw several ? new Error(`${file.name}: ${error.message}. Sent before it: ${created.length}.`) : error;
    }
    chosen.shift(); // what was sent is not sent again when a later one fails
  }
  if (url) created.push((await context.api.create({ ...inputs, audio_file: url })).id);
  context.say("");
  context.go(created.length === 1 ? `/p/${created[0]}` : "/list");
}

// The controls come from the service's own schema: what it offers is what is shown.
async function showSettings(context, settings, wanted) {
  const asked = ["openapi.json", "languages", "health"];
  const listed = await persist(context, wanted, () => Promise.all(asked.map((path) => context.api.json(path))));
  if (!wanted()) return;
  const [{ components }, { languages }, { models }] = listed;
  const schema = components.schemas.Input.properties;
  const select = (name, entries) => options(h("select", { name }), entries, "");
  const translate = h("input", { type: "checkbox", name: "task", value: "translate" });
  const more = h("div.more");
  settings.replaceChildren(
    h("div.row", {},
      field("Language", select("language", [["", "Detect it"], ...languages.map(({ code, name }) => [code, name])])),
      field("Number of speakers", h("input", { type: "number", name: "num_speakers", min: "1", max: "64", placeholder: "any" })),
      models.length > 1 && field("Model", select("whisper_model", [["", `${models[0]} (default)`], ...models.slice(1).map((name) => [name, name])]))),
    field("Names and words to expect", h("input", { type: "text", name: "hotwords", placeholder: "Maria, Kubernetes, …" })),
    check("Translate into English", translate),
    h("details", { ontoggle: () => more.childElementCount || more.append(...moreSettings(schema)) },
      h("summary", {}, "More settings"), more));
}

const moreSettings = (schema) =>
  Object.entries(schema)
    .filter(([name]) => !SHOWN.includes(name) && !HIDDEN.includes(name))
    .map(([name, described]) => setting(name, described));

function setting(name, described) {
  const plain = described.anyOf?.find((one) => one.type !== "null") ?? described.allOf?.[0] ?? described;
  const label = described.title ?? name.replaceAll("_", " ");
  const hint = described.description ?? "";
  const usual = described.default;
  if (plain.enum) return field(label, options(h("select", { name }), [["", `${usual ?? "any"} (default)`],
    ...plain.enum.filter((value) => value !== usual).map((value) => [value, value])], ""), hint);
  if (plain.type === "boolean") return field(label, options(h("select", { name }), [["", usual ? "yes (default)" : "no (default)"],
    [!usual, usual ? "no" : "yes"]], ""), hint);
  const number = plain.type === "integer" || plain.type === "number";
  const limits = number ? { min: text(plain.minimum), max: text(plain.maximum), step: plain.type === "number" ? "any" : "1" } : {};
  return field(label, h("input", { name, type: number ? "number" : "text", placeholder: text(usual) ?? "", ...limits }), hint);
}

const text = (value) => (value === undefined || value === null ? undefined : String(value));

// What was filled in, each as the type that JSON needs; the form's fields take the same.
function inputsOf(settings) {
  const inputs = {};
  for (const control of settings.querySelectorAll("[name]")) {
    if (control.type === "checkbox" ? !control.checked : !control.value.trim()) continue;
    const value = control.value.trim();
    if (control.type === "number") inputs[control.name] = Number(value);
    else inputs[control.name] = value === "true" ? true : value === "false" ? false : value;
  }
  return inputs;
}

function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
