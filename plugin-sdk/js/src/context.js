// What an agent has at hand beside its input.

import { Failure, Permanent, Transient } from './failure.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

// Why a model does not answer. Where nobody catches it, the attempt fails: in a way
// that is tried again if it is `unavailable`, else for good.
export class ModelError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }

  failure() {
    const Kind = this.kind === 'unavailable' ? Transient : Permanent;
    return new Kind(this.message);
  }
}

export class Context {
  #host;

  constructor(task, host) {
    this.#host = host;
    this.task = task;
    this.log = Object.fromEntries(
      LEVELS.map((level) => [
        level,
        (message, fields = {}) => {
          const texts = Object.entries(fields).map(([name, value]) => [name, String(value)]);
          host.log(level, String(message), texts);
        },
      ]),
    );
    this.artifacts = {
      put: (name, content, mediaType) => put(host, name, content, mediaType),
      get: (artifact) => get(host, artifact.sha256 ?? artifact),
    };
    this.model = { chat: (request) => chat(host, request) };
  }

  progress(fraction, note = '', activity = 'working') {
    this.#host.report(activity, fraction ?? undefined, note);
  }

  need(name) {
    return this.task.needs.find((need) => need.task === name);
  }
}

function put(host, name, content, mediaType) {
  const isText = typeof content === 'string';
  const bytes = isText ? new TextEncoder().encode(content) : content;
  const type = mediaType ?? (isText ? 'text/plain' : 'application/octet-stream');
  return told(`the artifact \`${name}\``, () => host.put(name, type, bytes));
}

function get(host, sha256) {
  return told(`the artifact ${sha256}`, () => host.get(sha256));
}

// The store's own errors, told as failures.
function told(what, call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Failure || error.payload === undefined) throw error;
    const { tag, val } = error.payload;
    switch (tag) {
      case 'not-found':
        throw new Permanent(`${what} is not in this run's store`);
      case 'too-large':
        throw new Permanent(`${what} is larger than the ${val} bytes that are left for artifacts`);
      default:
        throw new Permanent(`${what} is ${tag}: ${val}`);
    }
  }
}

function chat(host, request) {
  const asked = typeof request === 'string' ? { messages: request } : request;
  const { messages, responseSchema } = asked;
  try {
    return host.chat({
      ...asked,
      messages: typeof messages === 'string' ? [{ role: 'user', content: messages }] : messages,
      responseSchema: responseSchema === undefined ? undefined : JSON.stringify(responseSchema),
    });
  } catch (error) {
    if (error instanceof ModelError || error.payload === undefined) throw error;
    throw new ModelError(error.payload.tag, error.payload.val);
  }
}
