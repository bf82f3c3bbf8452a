// The host, as the sandbox offers it. Taken in place of `nowhere.js` where an agent
// is bundled for the sandbox, see `imports` in `package.json`.

import { get, put } from 'ringfence:agent/artifacts@0.1.0';
import { write } from 'ringfence:agent/log@0.1.0';
import { chat } from 'ringfence:agent/model@0.1.0';
import { report } from 'ringfence:agent/progress@0.1.0';

// The engine has the name, and nothing behind it: calling it would end the attempt
// with no word of why.
globalThis.fetch = async () => {
  throw new TypeError('an agent has no network, and none can be granted');
};

export const host = {
  log: write,
  report,
  get,
  chat,
  put: (name, mediaType, bytes) => plain(put(name, mediaType, bytes)),
};

// Sizes are `bigint` in the contract, and numbers here.
const plain = (artifact) => ({ ...artifact, size: Number(artifact.size) });
