// A chain of steps and a fan-out of steps in Restate's server. Prints seconds for
// each step, one JSON object a line.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import * as restate from "@restatedev/restate-sdk";

const STEPS = 1000;

// The SDK wants what Node.js has from version 22 on.
Promise.withResolvers ??= () => {
  const both = {};
  both.promise = new Promise((resolve, reject) => Object.assign(both, { resolve, reject }));
  return both;
};

const bench = restate.service({
  name: "bench",
  handlers: {
    chain: async (ctx) => {
      for (let n = 0; n < STEPS; n++) await ctx.run(`t${n}`, () => n);
      return STEPS;
    },
    step: async (_, n) => n,
    fanOut: async (ctx) => {
      const each = Array.from({ length: STEPS }, (_, n) => ctx.serviceClient({ name: "bench" }).step(n));
      return (await restate.RestatePromise.all(each)).length;
    },
  },
});

const freePort = () =>
  new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });

const post = async (url, body) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

const until = async (attempt) => {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((go) => setTimeout(go, 200));
    }
  }
};

const [service, ingress, admin, node] = [await freePort(), await freePort(), await freePort(), await freePort()];
await restate.serve({ services: [bench], port: service, logger: () => {} });
const folder = mkdtempSync(join(process.cwd(), "restate-"));
const server = spawn(
  join(process.cwd(), "node_modules/.bin/restate-server"),
  ["--base-dir", folder],
  {
    stdio: "ignore",
    env: {
      ...process.env,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    },
  },
);
try {
  await until(() => post(`http://127.0.0.1:${admin}/deployments`, { uri: `http://127.0.0.1:${service}` }));
  for (const [what, handler] of [["chain", "chain"], ["fan-out", "fanOut"]]) {
    const seconds = [];
    for (let run = 0; run < 4; run++) {
      const start = performance.now();
      await until(() => post(`http://127.0.0.1:${ingress}/bench/${handler}`, null));
      seconds.push((performance.now() - start) / 1e3 / STEPS);
    }
    console.log(JSON.stringify({ peer: "Restate", what, seconds: seconds.slice(1) }));
  }
} finally {
  server.kill();
  await new Promise((gone) => server.once("exit", gone));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
