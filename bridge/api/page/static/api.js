// Everything that the page asks of the service. Errors say what a person can do about them.

export class Unreachable extends Error {}

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const KEY = "token";
const PUBLIC = ["openapi.json", "languages"];
const PATIENCE = 30_000; // milliseconds for an answer; a service that was killed answers nothing

export class Api {
  // `askForToken(message)` resolves with a token once somebody has given one.
  constructor(askForToken) {
    this.askForToken = askForToken;
    this.asking = null;
  }

  get token() {
    return sessionStorage.getItem(KEY) ?? "";
  }

  set token(value) {
    sessionStorage.setItem(KEY, value);
  }

  headers(more = {}) {
    return this.token ? { Authorization: `Bearer ${this.token}`, ...more } : more;
  }

  // The response. Waits for a token where one is needed, and asks again with it.
  async call(path, { headers, ...options } = {}) {
    for (;;) {
      const used = this.token;
      if (!used && !PUBLIC.includes(path)) {
        await this.#renew(used); // no use in asking without
        continue;
      }
      let response;
      try {
        const signal = AbortSignal.timeout(PATIENCE);
        response = await fetch(path, { signal, cache: "no-store", ...options, headers: this.headers(headers) });
      } catch {
        throw new Unreachable("The service does not answer.");
      }
      if (response.ok) return response;
      if (response.status !== 401) throw await refusal(response);
      await this.#renew(used, "This token is not valid.");
    }
  }

  async json(path, options) {
    const response = await this.call(path, options);
    return response.status === 204 ? null : response.json();
  }

  async #renew(used, message = "") {
    if (this.token !== used) return; // somebody else has asked meanwhile
    this.asking ??= this.askForToken(message).finally(() => {
      this.asking = null;
    });
    this.token = await this.asking;
  }

  // Creates a prediction from a file; `progress` gets the share that is sent.
  async upload(file, inputs, progress) {
    for (;;) {
      if (!this.token) await this.#renew("");
      const used = this.token;
      const form = new FormData();
      for (const [name, value] of Object.entries(inputs)) form.append(name, String(value));
      form.append("audio_file", file, file.name);
      const sent = await send(form, this.headers(), progress);
      if (sent.status < 300) return sent.body;
      if (sent.status !== 401) throw new Refused(sent.status, detailOf(sent.body, sent.status));
      await this.#renew(used, "This token is not valid.");
    }
  }

  create(input) {
    return this.json("v1/predictions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ input }),
    });
  }
}

// fetch tells nothing of how much was sent.
function send(form, headers, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/predictions");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => resolve({ status: request.status, body: parsed(request.responseText) });
    request.onerror = () => reject(new Unreachable("The service does not answer; nothing was sent."));
    request.send(form);
  });
}

async function refusal(response) {
  return new Refused(response.status, detailOf(parsed(await response.text()), response.status));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function detailOf(body, status) {
  const listed = body?.invalid_fields?.map(({ field, description }) => `${field.replace(/^input\./, "")}: ${description}`);
  return listed?.join("; ") || body?.detail?.trim() || `The service answered ${status}.`;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
