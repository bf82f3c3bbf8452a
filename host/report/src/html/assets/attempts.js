// The attempts and what each used against its budget.
const startAttempts = () => {
  const root = document.getElementById("attempts-root");
  if (!root) return { update: () => {}, all: () => {} };
  const columns = [
    { id: "start", title: "Start", value: (attempt) => attempt.start, numeric: true },
    { id: "task", title: "Task", value: (attempt) => attempt.key },
    { id: "agent", title: "Agent", value: (attempt) => attempt.agent },
    { id: "attempt", title: "Attempt", value: (attempt) => attempt.round * 1e6 + attempt.attempt, numeric: true },
    { id: "outcome", title: "Result", value: (attempt) => attempt.outcome },
    { id: "fuel", title: "Fuel", value: (attempt) => attempt.fuel },
    { id: "memory", title: "Peak memory", value: (attempt) => attempt.memory },
    { id: "wall", title: "Wall time", value: (attempt) => attempt.wall },
    { id: "cpu", title: "CPU time", value: (attempt) => attempt.cpu, numeric: true },
    { id: "findings", title: "Findings", value: (attempt) => attempt.findings, numeric: true },
  ];
  const change = (changes) => { Object.assign(state, changes); writeAddress(); update(); };
  const search = el("input", {
    type: "search", placeholder: "Search tasks and agents", "aria-label": "Search attempts",
    oninput: (event) => change({ attempts: event.target.value }),
  });
  const outcomes = [...new Set(data.attempts.map((attempt) => attempt.outcome))].sort();
  const outcome = el("select", { "aria-label": "Result", onchange: (event) => change({ outcome: event.target.value }) },
    el("option", { value: "" }, "Every result"), ...outcomes.map((name) => el("option", { value: name }, word(name))));
  const total = el("span", { class: "total", role: "status" });
  const heads = new Map(columns.map((column) => [column.id, el("th", { scope: "col", class: column.numeric ? "num" : null },
    el("button", {
      type: "button",
      onclick: () => {
        const same = (state.by || "start") === column.id;
        change({ by: column.id === "start" ? "" : column.id, direction: same && state.direction !== "down" ? "down" : "" });
      },
    }, column.title))]));
  const body = el("tbody");
  const table = el("table", {}, el("thead", { class: "sortable" }, el("tr", {}, ...heads.values())), body);
  const panel = el("div", { class: "panel scroll" }, table);
  root.append(el("div", { class: "bar" }, search, outcome, el("span", { class: "grow" }), total), panel);
  if (data.attempts_left_out > 0) {
    root.append(el("p", { class: "note" }, `Only the first ${grouped(data.attempts.length)} attempts are shown; ${grouped(data.attempts_left_out)} more are counted in the tables above.`));
  }

  const firstLine = (text) => {
    const line = text.split("\n", 1)[0];
    return line.length > 120 ? `${line.slice(0, 120)}…` : line;
  };
  const meter = (used, budget, show) => {
    const cell = el("td", { class: "meter" }, el("span", {}, show(used), budget ? el("small", {}, ` of ${show(budget)}`) : ""));
    if (budget) {
      const share = used / budget;
      const kind = share >= 1 ? " over" : share >= 0.8 ? " near" : "";
      cell.append(el("span", { class: `gauge${kind}`, title: `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} % of the budget` },
        el("i", { style: { width: `${Math.min(100, share * 100)}%` } })));
    }
    return cell;
  };
  const draw = (attempt) => body.append(el("tr", {},
    el("td", { class: "num" }, `+${showTime(attempt.start)}`),
    el("th", { scope: "row", class: "name" }, el("code", {}, attempt.key)),
    el("td", { class: "name" }, attempt.agent),
    el("td", { class: "num" }, attempt.round > 1 ? `${attempt.attempt}, round ${attempt.round}` : String(attempt.attempt)),
    el("td", {}, el("span", { class: `state ${attempt.outcome}` }, attempt.outcome),
      attempt.outcome !== "completed" && attempt.note ? el("small", { class: "attempt-note", title: attempt.note }, ...prose(firstLine(attempt.note))) : ""),
    meter(attempt.fuel, attempt.fuel_budget, showFuel),
    meter(attempt.memory, attempt.memory_budget, showBytes),
    meter(attempt.wall, attempt.wall_budget, showTime),
    el("td", { class: "num" }, showTime(attempt.cpu)),
    el("td", { class: "num" }, attempt.findings ? grouped(attempt.findings) : "")));

  let drawing = null;
  const update = () => {
    const text = state.attempts.trim().toLowerCase();
    const matches = data.attempts.filter((attempt) => (state.outcome === "" || attempt.outcome === state.outcome)
      && (text === "" || `${attempt.key}\n${attempt.agent}\n${attempt.note ?? ""}`.toLowerCase().includes(text)));
    const column = columns.find(({ id }) => id === state.by) ?? columns[0];
    const sign = state.direction === "down" ? -1 : 1;
    matches.sort((a, b) => sign * compareText(column.value(a), column.value(b)));
    for (const [id, head] of heads) {
      if (id === column.id) head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    if (search.value !== state.attempts) search.value = state.attempts;
    outcome.value = state.outcome;
    total.textContent = matches.length === data.attempts.length
      ? plural(matches.length, "attempt")
      : `${grouped(matches.length)} of ${plural(data.attempts.length, "attempt")}`;
    drawing?.stop();
    body.replaceChildren();
    drawing = lazily(panel, matches, draw, 50);
  };
  return { update, all: () => drawing?.all(2000) };
};
