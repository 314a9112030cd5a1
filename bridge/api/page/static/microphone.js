// Records with the microphone; the recording is a file like any other.

import { clock, h } from "./dom.js";

export function recorder(take, say) {
  let running = null;
  const button = h("button", { type: "button" }, "Record");
  const element = h("div.field", {}, h("span.label", {}, "Microphone"), button);

  const start = async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      say("The microphone cannot be used: allow it for this page, which needs https or localhost.");
      return;
    }
    const media = new MediaRecorder(stream);
    const parts = [];
    const began = Date.now();
    const timer = setInterval(() => {
      button.textContent = `Stop (${clock((Date.now() - began) / 1000)})`;
    }, 500);
    media.ondataavailable = (event) => parts.push(event.data);
    media.onstop = () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      button.textContent = "Record";
      button.classList.remove("live");
      running = null;
      const kind = media.mimeType.includes("mp4") ? "m4a" : "webm";
      const name = `Recording ${new Date(began).toLocaleString("sv").replaceAll(":", ".").slice(0, 16)}.${kind}`;
      if (parts.length) take(new File(parts, name, { type: media.mimeType }));
    };
    media.start(1000);
    running = media;
    button.textContent = "Stop (0:00)";
    button.classList.add("live");
    say("Recording. Press Stop when you are done.");
  };
  const stop = () => running?.state === "recording" && running.stop();
  button.addEventListener("click", () => (running ? stop() : start()));
  return { element, stop };
}
