// Everything that the page asks of the service. Errors say what a person can do about them.

export class Unreachable extends Error {}

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const KEY = "token";
const DESCRIPTION = "openapi.json";
const PUBLIC = [DESCRIPTION, "languages", "health"];
const PATIENCE = 30_000; // milliseconds for an answer; a service that was killed answers nothing

export class Api {
  // `askForToken(message, needed)` sets a token, an empty one perhaps where none is needed.
  constructor(askForToken) {
    this.askForToken = askForToken;
    this.asking = null;
    this.described = null;
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

  // Whether the service is open to everybody, as it says itself.
  async open() {
    this.described ??= this.json(DESCRIPTION);
    try {
      const { paths } = await this.described;
      return paths["/v1/predictions"].get.security.some((one) => !Object.keys(one).length);
    } catch (error) {
      this.described = null; // it is asked again
      throw error;
    }
  }

  // Whether what one does here is everybody's.
  async shared() {
    return !this.token && (await this.open()) && !this.token;
  }

  // The response. Waits for a token where one is needed, and asks again with it.
  async call(path, { headers, ...options } = {}) {
    for (;;) {
      const used = this.token;
      if (!used && !PUBLIC.includes(path) && !(await this.open())) {
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
      if (response.status !== 401 || PUBLIC.includes(path)) throw await refusal(response);
      await this.#refused(used);
    }
  }

  async json(path, options) {
    const response = await this.call(path, options);
    return response.status === 204 ? null : response.json();
  }

  async #refused(used) {
    this.described = null; // whether a token is needed may have changed, too
    await this.#renew(used, used && "This token is not valid.");
  }

  async #renew(used, message = "") {
    const needed = !(await this.open());
    if (this.token !== used) return; // somebody else has asked meanwhile
    this.asking ??= this.askForToken(message, needed).finally(() => {
      this.asking = null;
    });
    await this.asking;
  }

  // Creates a prediction from a file; `progress` gets the share that is sent.
  async upload(file, inputs, progress) {
    for (;;) {
      if (!this.token && !(await this.open())) await this.#renew("");
      const used = this.token;
      const form = new FormData();
      for (const [name, value] of Object.entries(inputs)) form.append(name, String(value));
      form.append("audio_file", file, file.name);
      const sent = await send(form, this.headers(), progress);
      if (sent.status < 300) return sent.body;
      if (sent.status !== 401) throw new Refused(sent.status, detailOf(sent.body, sent.status));
      await this.#refused(used);
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

// What the API says of the input that people do not know by its name.
export const withoutFieldName = (text) => text.replace(/^audio(_file)?: /, "The recording: ");

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function detailOf(body, status) {
  const listed = body?.invalid_fields?.map(({ field, description }) =>
    withoutFieldName(`${field.replace(/^input\./, "")}: ${description}`));
  return listed?.join("; ") || body?.detail?.trim() || `The service answered ${status}.`;
}

export const AWAY = "The service does not answer. Trying again…";
export const RETRY = 2000; // milliseconds after which a service that was away is asked again

export const isAway = (error) => error instanceof Unreachable || (error instanceof Refused && error.status >= 500);

// What `ask` gives, asked again for as long as the service is away and it is still `wanted`.
export async function persist(context, wanted, ask) {
  let away = false;
  while (wanted()) {
    try {
      const found = await ask();
      if (away && wanted()) context.say("");
      return found;
    } catch (error) {
      if (!isAway(error)) throw error;
      away = true;
      if (wanted()) context.say(AWAY);
      await pause(RETRY);
    }
  }
  return null;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
