// An error as its author can use it: message, causes, and the places in the files
// that the author wrote.

// What the build left here: where each part of the bundle comes from. The sources of
// this SDK are `null` in it: they are on each stack, and of no interest.
const SOURCE_MAP = Symbol.for('ringfence-sdk.source-map');

// The host keeps the last 2 KiB that an agent writes before it traps.
const MAX_MESSAGE = 600;
const MAX_FRAMES = 12;
const MAX_CAUSES = 3;

// The engine writes what it ends with; the host knows this and leaves it out.
const THE_END = 'ringfence-sdk: told above';

// Writes `error` to standard error, and gives what ends the attempt as a trap when it
// is thrown.
export function told(error) {
  console.error(explained(error));
  return {
    // The engine takes this for the failure of a task and asks what kind it is. It
    // would take an error for that, too, and say that it is none.
    payload: {
      get tag() {
        throw THE_END;
      },
    },
  };
}

// The text for `error`.
export function explained(error, causes = MAX_CAUSES) {
  if (!(error instanceof Error)) return `thrown, and no error: ${cut(String(error))}`;
  const lines = [`${error.name}: ${cut(error.message)}`];
  const frames = places(error.stack ?? '');
  lines.push(...frames.slice(0, MAX_FRAMES));
  if (frames.length > MAX_FRAMES) lines.push(`    and ${frames.length - MAX_FRAMES} more`);
  if (error.cause !== undefined && causes > 0) {
    lines.push(`caused by ${explained(error.cause, causes - 1)}`);
  }
  return lines.join('\n');
}

const cut = (text) => (text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text);

// The lines of a stack that are about the author's files, innermost first. SpiderMonkey
// writes them as `name@file:line:column`.
function places(stack) {
  const found = [];
  for (const line of stack.split('\n')) {
    const [, name, file, at] = /^(.*)@(.*):(\d+):\d+$/.exec(line) ?? [];
    const place = file && source(file, Number(at));
    if (!place) continue;
    const called = name.replace(/^.*\*/, 'async ');
    found.push(called ? `    at ${called} (${place})` : `    at ${place}`);
  }
  return found;
}

// Where a line of the bundle comes from. Of each, the build has kept the number of its
// file in `sources`, or -1, and its line there.
function source(file, line) {
  if (file.endsWith('initializer.js')) return undefined;
  const map = globalThis[SOURCE_MAP];
  if (map === undefined) return `${file}:${line}`;
  const from = map.sources[map.lines[2 * (line - 1)]];
  return from && `${from}:${map.lines[2 * line - 1]}`;
}
