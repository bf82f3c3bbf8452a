// Makes a component of a JavaScript or TypeScript agent. `ringfence build` runs this
// in the folder of the project, with what there is to do as JSON:
// { entry, wit, world, component }.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { entry, wit, world, component } = JSON.parse(process.env.RINGFENCE_BUILD);

// One module without imports but those of the contract. The SDK finds its source map
// where the last line puts it, so that a stack names the author's files.
async function bundle(folder) {
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    // Never written: sources are named relative to it.
    outfile: 'agent.js',
    absWorkingDir: process.cwd(),
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['ringfence', 'import', 'module'],
    external: ['ringfence:*'],
    charset: 'utf8',
    sourcemap: 'external',
    sourcesContent: false,
    logLevel: 'warning',
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const map = JSON.stringify(lines(JSON.parse(text('.map')), text('.js').split('\n')));
  return `${text('.js')}\nglobalThis[Symbol.for('ringfence-sdk.source-map')] = ${map};\n`;
}

// Of each line of the bundle, the number of the source that it comes from, or -1, and
// its line there, one pair after the other. A source map would have to be decoded in
// the sandbox, by an interpreter, which takes seconds.
function lines({ sources, mappings }, code) {
  const lines = [];
  let [source, line] = [0, 0];
  for (const [index, segments] of mappings.split(';').entries()) {
    // What stands before the text of a line belongs to the line before.
    const indent = code[index].search(/\S|$/);
    let column = 0;
    let first;
    for (const segment of segments.split(',')) {
      // Each is relative to the one before: the source, the line, and columns.
      const [forward = 0, toSource, toLine] = numbers(segment);
      column += forward;
      if (toSource === undefined) continue;
      source += toSource;
      line += toLine;
      if (first === undefined || column <= indent) first = [source, line + 1];
    }
    lines.push(...(first ?? [-1, 0]));
  }
  return { sources: sources.map(shown), lines };
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

// The numbers of a segment: five bits a digit, the lowest first, of which the very
// first is the sign.
function numbers(segment) {
  const found = [];
  let [value, shift] = [0, 0];
  for (const character of segment) {
    const digit = DIGITS.indexOf(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return found;
}

// A source as its author knows it: relative to the project. Those of the SDK are on
// every stack, and of no interest.
const shown = (source) =>
  /(^|\/)(sdk|ringfence-sdk)\/src\/\w+\.js$/.test(source) ? null : source.replace(/^(\.\.\/)+/, '');

async function build(folder) {
  const sourcePath = join(folder, 'agent.js');
  await writeFile(sourcePath, await bundle(folder));
  const { componentize } = await import('@bytecodealliance/componentize-js');
  const made = await componentize({
    sourcePath,
    // It does not find the contract by a relative path.
    witPath: wit,
    worldName: world,
    disableFeatures: ['http', 'fetch-event'],
  });
  await writeFile(component, made.component);
}

const folder = await mkdtemp(join(tmpdir(), 'ringfence-'));
try {
  await build(folder);
} catch (error) {
  // What esbuild has to say of the sources it has said itself.
  if (!error.errors) console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
