// The timeline: a row for each task, a bar for each attempt.
const startTimeline = () => {
  const root = document.getElementById("timeline-root");
  if (!root) return;
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
  ];

  const describe = (attempt) => [
    `${attempt.key}, attempt ${attempt.attempt}${attempt.round > 1 ? `, round ${attempt.round}` : ""}`,
    `${attempt.agent}: ${attempt.outcome} in ${showTime(attempt.wall)}`,
    `CPU ${showTime(attempt.cpu)}, fuel ${showFuel(attempt.fuel)}, memory ${showBytes(attempt.memory)}`,
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
  const isFree = (at) => data.rounds.every((round) => Math.abs(round.at - at) > length / 14);
  axis.append(...ticks.filter((at) => at === 0 || isFree(at)).map((at) => el("span", { style: { left: percent(at) } }, at === 0 ? "0" : showTime(at))));
  axis.append(...data.rounds.map((round) => el("span", { class: "round-label", style: { left: percent(round.at) } }, `Round ${round.round}`)));
  axis.append(el("span", { style: { left: "100%" } }, showTime(length)));
  chart.append(el("div", { class: "gantt-row" }, el("div", { class: "gantt-label" }), axis));

  const bars = [];
  const byTask = data.tasks.map(() => []);
  data.attempts.forEach((attempt, index) => byTask[attempt.task]?.push({ attempt, index }));

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
        class: `bar-item ${tone(attempt.agent)} ${attempt.outcome}`, type: "button", tabindex: -1, "data-index": index,
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

  data.tasks.forEach((task, index) => {
    const entries = byTask[index];
    if (entries.length === 0) return;
    const track = el("div", { class: "track" }, ...marks());
    if (entries.length > 150) drawDensity(track, entries);
    else drawBars(track, entries);
    chart.append(el("div", { class: "gantt-row" },
      el("div", { class: "gantt-label" }, el("code", {}, task), el("small", {}, plural(entries.length, "attempt"))), track));
  });
  const has = (test) => data.attempts.some(test);
  const legend = el("div", { class: "legend" },
    ...agents.slice(0, 12).map((agent) => el("span", { class: tone(agent) }, agent)),
    has((attempt) => attempt.outcome === "failed") && el("span", { class: "failed" }, "failed") || "",
    has((attempt) => attempt.outcome === "rejected") && el("span", { class: "rejected" }, "rejected") || "",
    chart.querySelector(".wait") ? el("span", { class: "retry" }, "waiting to retry") : "",
    data.rounds.length > 0 ? el("span", { class: "round-mark" }, "next round") : "");
  root.append(chart, legend);

  if (bars.length > 0) bars[0].tabIndex = 0;
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
};
