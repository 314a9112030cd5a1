// One recording: watched while it is transcribed, then read and corrected.

import { AWAY, RETRY, isAway, pause, persist, withoutFieldName } from "./api.js";
import { about, clock, h, nameOf } from "./dom.js";
import { Reader } from "./reader.js";

const LOOK = 1000; // milliseconds between two looks at the record

export function showPrediction(main, context, id) {
  const shell = h("div.prediction");
  const watching = new Watching(shell, context, id);
  let reader = null;
  let gone = false;
  main.append(shell);
  const run = async () => {
    const prediction = await watching.end();
    if (gone || !prediction) return;
    if (prediction.status !== "succeeded") {
      showEnd(shell, context, prediction);
      return;
    }
    const loaded = await persist(context, () => !gone, () => load(context.api, id));
    if (gone) return;
    reader = new Reader(shell, context, prediction, loaded);
    context.say("The transcript is ready.");
  };
  run();
  return () => {
    gone = true;
    watching.stop();
    reader?.leave();
    context.say("");
  };
}

async function load(api, id) {
  const base = `v1/predictions/${id}`;
  const response = await api.call(`${base}/transcript`);
  const record = await response.json();
  const [original, peaks] = await Promise.all([
    record.edits.length ? api.json(`${base}/output?format=json&revision=original`) : record.transcript,
    api.json(`${base}/peaks`),
  ]);
  return { record, original, peaks, etag: response.headers.get("ETag") };
}

class Watching {
  constructor(shell, context, id) {
    this.context = context;
    this.id = id;
    this.gone = false;
    this.heard = h("div.heard", { "aria-label": "What was recognized so far", role: "log" });
    this.bar = h("progress", { max: 1, "aria-label": "Progress" });
    this.title = h("h1", {}, h("bdi", {}, "…"));
    this.cancel = h("button", { type: "button", onclick: () => this.#cancel() }, "Cancel");
    this.parts = [this.title, h("div.row", {}, this.bar, this.cancel), this.heard];
    this.shell = shell;
  }

  // The record once it has ended; null when there is none, or nobody watches any more.
  async end() {
    while (!this.gone) {
      try {
        const prediction = await this.context.api.json(`v1/predictions/${this.id}`);
        if (this.gone) return null;
        if (prediction.completed_at) {
          this.stop();
          return prediction;
        }
        this.#show(prediction);
        await pause(LOOK);
      } catch (error) {
        if (!isAway(error)) {
          this.stop();
          this.shell.replaceChildren(h("h1", {}, "Not here"), h("p", {}, error.message));
          this.context.say(error.message);
          return null;
        }
        this.context.say(AWAY);
        await pause(RETRY);
      }
    }
    return null;
  }

  stop() {
    this.gone = true;
    this.source?.close();
  }

  #show(prediction) {
    if (!this.bar.isConnected) this.shell.replaceChildren(...this.parts);
    this.title.firstChild.textContent = nameOf(prediction);
    this.#listen(prediction);
    const share = shareOf(prediction.logs);
    if (share) this.bar.value = share;
    else this.bar.removeAttribute("value");
    this.context.say(status(prediction, share));
  }

  // Segments as they are recognized; again from the first when the run begins again.
  #listen(prediction) {
    if (prediction.status !== "processing") {
      this.source?.close();
      this.source = null;
      return;
    }
    if (this.source) return;
    const link = new URL(prediction.urls.stream);
    this.source = new EventSource(`v1/predictions/${this.id}/stream${link.search}&segments=1`);
    this.source.addEventListener("segments", (event) => this.#hear(JSON.parse(event.data)));
    this.source.addEventListener("done", () => this.source?.close());
  }

  #hear({ first, segments }) {
    while (this.heard.children.length > first) this.heard.lastChild.remove();
    for (const segment of segments)
      this.heard.append(h("p", { dir: "auto" }, h("span.quiet", {}, clock(segment.start)), " ", segment.text));
    this.heard.scrollTop = this.heard.scrollHeight;
  }

  async #cancel() {
    this.cancel.disabled = true;
    try {
      await this.context.api.json(`v1/predictions/${this.id}/cancel`, { method: "POST" });
    } catch (error) {
      this.context.say(error.message);
    } finally {
      this.cancel.disabled = false;
    }
  }
}

function status(prediction, share) {
  if (prediction.status === "starting") {
    const { queue_position: ahead, estimated_wait_seconds: wait } = prediction.metrics;
    if (!ahead) return "Next in the queue.";
    return `In the queue: ${ahead} ahead${wait ? `, ${about(wait)} to wait` : ""}.`;
  }
  if (!share) return "Transcribing…";
  const passed = (Date.now() - Date.parse(prediction.started_at)) / 1000;
  const left = share > 0.05 ? `, ${about((passed * (1 - share)) / share)} left` : "";
  return `Transcribing: ${Math.round(100 * share)} %${left}.`;
}

// The predictor's log ends in a line like " 40%|████      | 34/85".
function shareOf(logs) {
  const found = [...logs.matchAll(/^\s*(\d+)%\s*\|/gm)].at(-1);
  return found ? Number(found[1]) / 100 : 0;
}

function showEnd(shell, context, prediction) {
  const text = prediction.status === "canceled"
    ? "It was canceled."
    : `It could not be transcribed. ${withoutFieldName(String(prediction.error))}`;
  const again = h("a.button", { href: "#/" }, "New transcript");
  shell.replaceChildren(h("h1", {}, h("bdi", {}, nameOf(prediction))), h("p.wrong", {}, text), again);
  context.say(text);
}
