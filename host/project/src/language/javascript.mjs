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
    outfile: join(folder, 'agent.js'),
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
    sourceRoot: process.cwd(),
    sourcesContent: false,
    logLevel: 'warning',
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const { sources, mappings } = JSON.parse(text('.map'));
  const map = JSON.stringify({ sources: sources.map(shown), mappings });
  return `${text('.js')}\nglobalThis[Symbol.for('ringfence-sdk.source-map')] = ${map};\n`;
}

// A source as its author knows it: relative to the project.
const shown = (source) => source.replace(/^(\.\.\/)+/, '');

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
