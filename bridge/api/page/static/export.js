// Takes a transcript away: every format as a file, or as text to paste.

import { check, field, h, modal, options } from "./dom.js";

const FORMATS = [
  ["docx", "Word"], ["txt", "Text"], ["markdown", "Markdown"], ["srt", "Subtitles, SRT"], ["vtt", "Subtitles, WebVTT"],
  ["tsv", "Table, TSV"], ["json", "JSON"], ["verbose_json", "JSON, as OpenAI's"], ["diarized_json", "JSON, by speaker"],
];

export function showExport(context, prediction, corrected) {
  const version = options(h("select"), corrected ? [["latest", "with corrections"], ["original", "as recognized"]] : [["original", "as recognized"]], "latest");
  const width = h("input", { type: "number", min: "10", max: "200", placeholder: "42" });
  const lines = h("input", { type: "number", min: "1", max: "10", placeholder: "2" });
  const spoken = h("input", { type: "checkbox" });
  const said = h("p.hint", { "aria-live": "polite" });
  const ask = (format) => {
    const query = new URLSearchParams({ format, revision: version.value });
    if (["srt", "vtt"].includes(format)) {
      if (width.value) query.set("max_line_width", width.value);
      if (lines.value) query.set("max_line_count", lines.value);
      if (spoken.checked) query.set("highlight_words", "true");
    }
    return context.api.call(`v1/predictions/${prediction.id}/output?${query}`);
  };
  const attempt = async (work, done) => {
    try {
      await work();
      said.textContent = done;
    } catch (error) {
      said.textContent = error.message;
    }
    context.say(said.textContent);
  };
  const download = (format) => attempt(async () => {
    const response = await ask(format);
    const name = fileName(response.headers.get("Content-Disposition")) ?? `transcript.${format}`;
    saveAs(await response.blob(), name);
  }, "Downloaded.");
  const copy = () => attempt(async () => toClipboard(await (await ask("txt")).text()), "Copied.");
  const close = h("form.actions", { method: "dialog" }, h("button", { type: "button", onclick: copy }, "Copy as text"), h("button", {}, "Close"));
  modal("Take it away",
    field("Version", version),
    h("div.formats", {}, FORMATS.map(([format, label]) =>
      h("button", { type: "button", onclick: () => download(format) }, h("b", {}, label), h("span.quiet", {}, suffix(format))))),
    h("details", {}, h("summary", {}, "Subtitle settings"), h("div.more", {},
      field("Letters per line", width), field("Lines at once", lines), check("Mark each word as it is spoken", spoken))),
    said, close);
}

const extension = (format) => ({ markdown: "md", verbose_json: "json", diarized_json: "json" })[format] ?? format;

// What the file ends in, and the format's own name where that does not tell it.
const suffix = (format) => `.${extension(format)}${format.includes("_") ? `, ${format}` : ""}`;

function fileName(disposition) {
  const encoded = disposition?.match(/filename\*=UTF-8''([^;]+)/i)?.[1];
  return encoded ? decodeURIComponent(encoded) : disposition?.match(/filename="([^"]+)"/)?.[1];
}

function saveAs(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// The clipboard's own interface is there on https and localhost only.
async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = h("textarea", { "aria-hidden": "true" });
  box.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}
