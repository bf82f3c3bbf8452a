// The timeline: a row for each task or agent, a bar for each attempt.
const startTimeline = () => {
  const root = document.getElementById("timeline-root");
  if (!root) return { update: () => {} };
  const tip = document.getElementById("tip");
  const length = Math.max(1, data.duration, ...data.attempts.slice(0, 5000).map((attempt) => attempt.start + attempt.wall));
  const percent = (micros) => `${(Math.min(micros, length) * 100) / length}%`;
  const agents = [...new Set(data.attempts.map((attempt) => attempt.agent))].sort();
  const tone = (agent) => `a${(agents.indexOf(agent) % 8) + 1}`;

  const step = (() => {
    const rough = length / 6;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  })();
  const ticks = [];
  for (let at = 0; at < length * 0.94; at += step) ticks.push(at);
  const marks = () => [
    ...ticks.slice(1).map((at) => el("span", { class: "grid", style: { left: percent(at) } })),
    ...data.rounds.map((round) => el("span", { class: "round", style: { left: percent(round.at) } })),
    ...data.resumes.map((resumed) => el("span", { class: "resumed", style: { left: percent(resumed.at) } })),
  ];

  const describe = (attempt) => [
    `${attempt.key}, attempt ${attempt.attempt}${attempt.round > 1 ? `, round ${attempt.round}` : ""}`,
    `${attempt.agent}: ${attempt.outcome} in ${showTime(attempt.wall)}`,
    `CPU ${showTime(attempt.cpu)}, fuel ${showFuel(attempt.fuel)}, memory ${showBytes(attempt.memory)}`,
    ...(attempt.critical ? ["on the critical path"] : []),
    ...(attempt.findings ? [plural(attempt.findings, "finding")] : []),
    ...(attempt.note ? [attempt.note.split("\n", 1)[0]] : []),
  ];
  const show = (event) => {
    const bar = event.currentTarget;
    const [title, ...lines] = describe(data.attempts[bar.dataset.index]);
    tip.replaceChildren(el("b", {}, title), ...lines.map((line) => el("span", {}, line)));
    tip.hidden = false;
    const box = bar.getBoundingClientRect();
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
    const below = box.bottom + 8;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? box.top - tip.offsetHeight - 8 : below}px`;
  };
  const hide = () => { tip.hidden = true; };

  const chart = el("div", { class: "panel gantt", role: "group", "aria-label": "Timeline of attempts. Arrow keys move from one to the next." });
  const axis = el("div", { class: "track axis" });
  const marked = [...data.rounds.map((round) => round.at), ...data.resumes.map((resumed) => resumed.at)];
  const isFree = (at) => marked.every((mark) => at < mark - length / 14 || at > mark + length / 9);
  axis.append(...ticks.filter((at) => at === 0 || isFree(at)).map((at) => el("span", { style: { left: percent(at) } }, at === 0 ? "0" : showTime(at))));
  axis.append(...data.rounds.map((round) => el("span", { class: "round-label", style: { left: percent(round.at) } }, `Round ${round.round}`)));
  axis.append(...data.resumes.map((resumed) => el("span", {
    class: "resumed-label", title: `nobody drove the run for ${showTime(resumed.away)}`, style: { left: percent(resumed.at) },
  }, "Resumed")));
  axis.append(el("span", { style: { left: "100%" } }, showTime(length)));
  const head = el("div", { class: "gantt-row" }, el("div", { class: "gantt-label" }), axis);

  let bars = [];

  const drawBars = (track, entries) => {
    const lanes = [];
    const previous = new Map();
    for (const { attempt, index } of entries) {
      // A retry goes on in the lane of the attempt before it.
      const before = previous.get(attempt.key);
      let lane = before !== undefined && lanes[before.lane] <= attempt.start ? before.lane : lanes.findIndex((end) => end <= attempt.start);
      if (lane < 0) lane = lanes.length;
      const top = 7 + lane * 21;
      const end = attempt.start + attempt.wall;
      lanes[lane] = Math.max(end, attempt.start + length / 250);
      if (before && before.failed && before.lane === lane && before.round === attempt.round && attempt.start > before.end) {
        track.append(el("span", { class: "wait", style: { left: percent(before.end), width: percent(attempt.start - before.end), top: `${top + 8}px` } }));
      }
      previous.set(attempt.key, { lane, end, round: attempt.round, failed: attempt.outcome === "failed" });
      const bar = el("button", {
        class: `bar-item ${tone(attempt.agent)} ${attempt.outcome}${attempt.critical ? " critical" : ""}`, type: "button", tabindex: -1, "data-index": index,
        "aria-label": describe(attempt).join(". "),
        style: { left: percent(attempt.start), width: percent(attempt.wall), top: `${top}px` },
        onmouseenter: show, onmouseleave: hide, onfocus: show, onblur: hide,
      });
      bars.push(bar);
      track.append(bar);
    }
    track.style.minHeight = `${Math.max(31, 10 + lanes.length * 21)}px`;
  };
  // Hundreds of attempts: how many are under way, from left to right.
  const drawDensity = (track, entries) => {
    const slots = 240;
    const under = new Array(slots).fill(0);
    for (const { attempt } of entries) {
      const first = Math.min(slots - 1, Math.floor((attempt.start * slots) / length));
      const last = Math.min(slots - 1, Math.floor(((attempt.start + attempt.wall) * slots) / length));
      for (let slot = first; slot <= last; slot += 1) under[slot] += 1;
    }
    const most = Math.max(...under);
    const only = entries.every(({ attempt }) => attempt.agent === entries[0].attempt.agent);
    const shade = only ? tone(entries[0].attempt.agent) : "";
    under.forEach((count, slot) => {
      if (count === 0) return;
      track.append(el("span", { class: `density ${shade}`, style: { left: `${(slot * 100) / slots}%`, width: `${100.4 / slots}%`, height: `${Math.max(2, (count * 48) / most)}px` } }));
    });
    track.style.minHeight = "60px";
    track.setAttribute("role", "img");
    track.setAttribute("aria-label", `${plural(entries.length, "attempt")}, at most ${grouped(most)} at once`);
  };

  const entries = data.attempts.map((attempt, index) => ({ attempt, index }));
  const byTask = () => data.tasks.map((task, index) => ({
    name: el("code", {}, task),
    entries: entries.filter(({ attempt }) => attempt.task === index),
    waits: data.waits.filter((wait) => wait.task === index),
  }));
  const byAgent = () => agents.map((agent) => ({
    name: agent, entries: entries.filter(({ attempt }) => attempt.agent === agent), waits: [],
  }));
  const drawRow = ({ name, entries, waits }) => {
    const track = el("div", { class: "track" }, ...marks());
    if (entries.length > 150) drawDensity(track, entries);
    else drawBars(track, entries);
    track.append(...waits.map((wait) => el("span", {
      class: "person", title: `a person was asked: ${wait.note}`, style: { left: percent(wait.start), width: percent(wait.wall) },
    })));
    const count = entries.length > 0 ? plural(entries.length, "attempt") : "a person was asked";
    chart.append(el("div", { class: "gantt-row" }, el("div", { class: "gantt-label" }, name, el("small", {}, count)), track));
  };
  const pick = (rows) => () => { state.rows = rows; writeAddress(); update(); };
  const buttons = new Map([["", "By task"], ["agent", "By agent"]].map(([rows, title]) =>
    [rows, el("button", { type: "button", onclick: pick(rows) }, title)]));
  let drawn;
  const update = () => {
    const rows = buttons.has(state.rows) ? state.rows : "";
    if (rows === drawn) return;
    drawn = rows;
    for (const [known, button] of buttons) button.setAttribute("aria-pressed", String(known === rows));
    bars = [];
    chart.replaceChildren(head);
    for (const row of rows === "agent" ? byAgent() : byTask()) {
      if (row.entries.length + row.waits.length > 0) drawRow(row);
    }
    if (bars.length > 0) bars[0].tabIndex = 0;
  };
  const has = (test) => data.attempts.some(test);
  const legend = el("div", { class: "legend" },
    ...agents.slice(0, 12).map((agent) => el("span", { class: tone(agent) }, agent)),
    has((attempt) => attempt.outcome === "failed") && el("span", { class: "failed" }, "failed") || "",
    has((attempt) => attempt.outcome === "rejected") && el("span", { class: "rejected" }, "rejected") || "",
    has((attempt) => attempt.outcome === "lost") && el("span", { class: "lost" }, "lost with its process") || "",
    has((attempt) => attempt.attempt > 1) && el("span", { class: "retry" }, "waiting to retry") || "",
    data.waits.length > 0 ? el("span", { class: "person-mark" }, "waiting for a person") : "",
    has((attempt) => attempt.critical) && el("span", { class: "critical-mark" }, "critical path") || "",
    data.rounds.length > 0 ? el("span", { class: "round-mark" }, "next round") : "");
  root.append(el("div", { class: "bar rows", role: "group", "aria-label": "Rows of the timeline" }, ...buttons.values()), chart, legend);

  if (data.critical.length > 0) {
    const total = data.critical.reduce((sum, step) => sum + step.wall, 0);
    const waited = data.critical.reduce((sum, step) => sum + step.waited, 0);
    const one = (step) => el("li", {},
      step.waited * 50 > length ? el("small", { class: "gap" }, `waited ${showTime(step.waited)}`) : "",
      el("code", {}, step.task), step.round > 1 ? ` round ${step.round}` : "", " ", el("small", {}, showTime(step.wall)));
    root.append(el("h3", {}, "Critical path"),
      el("p", { class: "note" }, `The run could not end before these steps had: ${showTime(total)} of work${waited > 0 ? ` and ${showTime(waited)} in which the next one could not start` : ""}.`),
      el("ol", { class: "critical-path" }, ...data.critical.slice(0, 200).map(one)));
    if (data.critical.length > 200) root.append(el("p", { class: "note" }, `${grouped(data.critical.length - 200)} more steps follow.`));
  }

  chart.addEventListener("keydown", (event) => {
    const at = bars.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: bars.length - 1 }[event.key];
    if (event.key === "Escape") hide();
    if (at < 0 || to === undefined || !bars[to]) return;
    event.preventDefault();
    bars[at].tabIndex = -1;
    bars[to].tabIndex = 0;
    bars[to].focus();
  });
  addEventListener("scroll", hide, { passive: true });
  return { update };
};
