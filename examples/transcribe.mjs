// Transcribes a recording with nothing but Node 18 or newer:
// BRIDGE_TOKEN=… node examples/transcribe.mjs talk.mp3

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const api = `${process.env.BRIDGE_URL ?? "http://127.0.0.1:8080"}/v1/predictions`;
const headers = { Authorization: `Bearer ${process.env.BRIDGE_TOKEN}` };

async function call(url, options = {}) {
  const response = await fetch(url, { ...options, headers });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  return body;
}

async function transcribe(path) {
  const form = new FormData();
  form.set("audio_file", new Blob([await readFile(path)]), basename(path));
  let prediction = await call(api, { method: "POST", body: form });
  while (["starting", "processing"].includes(prediction.status)) {
    await sleep(500);
    prediction = await call(`${api}/${prediction.id}`);
  }
  if (prediction.status !== "succeeded") {
    throw new Error(`${prediction.status}: ${prediction.error}`);
  }
  return prediction.output;
}

try {
  const { segments } = await transcribe(process.argv[2]);
  for (const { speaker = "?", text } of segments) console.log(`${speaker}: ${text.trim()}`);
} catch (error) {
  console.error(error.cause?.message ?? error.message);
  process.exitCode = 1;
}
