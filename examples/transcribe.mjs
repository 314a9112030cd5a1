// Transcribes a recording with nothing but Node 20 or newer:
// BRIDGE_TOKEN=… node examples/transcribe.mjs talk.mp3

import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const api = `${process.env.BRIDGE_URL ?? "http://127.0.0.1:8080"}/v1/predictions`;
const token = process.env.BRIDGE_TOKEN;
const [path, ...more] = process.argv.slice(2);

async function call(url, options = {}) {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(url, { ...options, headers });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  return body;
}

async function transcribe() {
  const form = new FormData();
  form.set("audio_file", await openAsBlob(path), basename(path)); // read while it is sent
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

if (!path || more.length || !token) {
  console.error("usage: BRIDGE_TOKEN=… node transcribe.mjs FILE");
  process.exit(2);
}
try {
  const { segments } = await transcribe();
  for (const { speaker = "?", text } of segments) console.log(`${speaker}: ${text.trim()}`);
} catch (error) {
  console.error(error.cause?.message ?? error.message);
  process.exitCode = 1;
}
