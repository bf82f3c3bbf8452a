// The findings: filtered, sorted, grouped, with their lines and fixes.
const severities = ["critical", "high", "medium", "low", "info"];
const rank = (finding) => severities.indexOf(finding.severity);
const word = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const compareText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
// What is about no file comes last.
const byPlace = (a, b) => compareText(a.path === undefined, b.path === undefined)
  || compareText(a.path ?? "", b.path ?? "")
  || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);

const orders = {
  file: byPlace,
  severity: (a, b) => rank(a) - rank(b) || byPlace(a, b),
  rule: (a, b) => compareText(a.rule, b.rule) || byPlace(a, b),
  task: (a, b) => compareText(a.task, b.task) || byPlace(a, b),
};
const groups = {
  file: (finding) => finding.path ?? "No file",
  severity: (finding) => word(finding.severity),
  rule: (finding) => finding.rule,
  task: (finding) => finding.task,
};

const sourceLine = (path, number) => data.sources[path]?.[number];

const codeRow = (kind, number, sign, text, column) => {
  // The text is one element: a flex row would drop the white space of pieces.
  const code = el("span", {});
  const row = el("div", { class: kind }, el("i", {}, number === undefined ? "" : String(number)), el("u", {}, sign), code);
  // Columns count characters, not the units of JavaScript's strings.
  const letters = column ? [...text] : [];
  if (column && column <= letters.length) {
    const at = column - 1;
    let end = at + 1;
    while (end < letters.length && /[\p{L}\p{N}_]/u.test(letters[end - 1]) && /[\p{L}\p{N}_]/u.test(letters[end])) end += 1;
    code.append(letters.slice(0, at).join(""), el("mark", {}, letters.slice(at, end).join("")), letters.slice(end).join(""));
  } else {
    code.append(text);
  }
  return row;
};

const contextOf = (finding) => {
  if (!finding.path || !finding.line || sourceLine(finding.path, finding.line) === undefined) return null;
  const block = el("div", { class: "source", tabindex: 0, role: "group", "aria-label": `Source of ${finding.path}` });
  for (let number = Math.max(1, finding.line - 2); number <= finding.line + 2; number += 1) {
    const text = sourceLine(finding.path, number);
    if (text === undefined) continue;
    const hit = number === finding.line;
    block.append(codeRow(hit ? "hit" : "", number, "", text, hit ? finding.column : 0));
  }
  return block;
};

const fixOf = (finding) => {
  const { path, first, last, replacement } = finding.fix;
  const added = replacement === "" ? [] : replacement.replace(/\n$/, "").split("\n");
  const removed = [];
  for (let number = first; number <= last && number - first <= 60; number += 1) removed.push(sourceLine(path, number));
  const known = removed.length > 0 && removed.every((text) => text !== undefined);
  const block = el("div", { class: "source", tabindex: 0, role: "group", "aria-label": `Fix in ${path}` });
  if (!known) {
    for (const text of added) block.append(codeRow("added", undefined, "+", text));
    if (added.length === 0) block.append(codeRow("removed", undefined, "−", "these lines go away"));
    return block;
  }
  // Lines that stay the same at both ends are context.
  let head = 0;
  while (head < removed.length && head < added.length && removed[head] === added[head]) head += 1;
  let tail = 0;
  while (tail < removed.length - head && tail < added.length - head
    && removed[removed.length - 1 - tail] === added[added.length - 1 - tail]) tail += 1;
  const context = (from, to) => {
    for (let number = from; number <= to; number += 1) {
      const text = sourceLine(path, number);
      if (text !== undefined) block.append(codeRow("", number, "", text));
    }
  };
  const start = first + head;
  const end = last - tail;
  context(Math.max(1, start - 2), start - 1);
  for (let number = start; number <= end; number += 1) block.append(codeRow("removed", number, "−", sourceLine(path, number)));
  for (const text of added.slice(head, added.length - tail)) block.append(codeRow("added", undefined, "+", text));
  context(end + 1, end + 2);
  return block;
};

const drawFinding = (finding, withSource) => {
  const place = finding.path ? `${finding.path}:${finding.line}:${finding.column}` : null;
  const node = el("article", { class: `finding ${finding.severity}` },
    el("span", { class: "sev" }, word(finding.severity)),
    el("h4", {}, ...prose(finding.message)),
    el("p", { class: "meta" },
      place && el("code", {}, place),
      el("span", {}, el("code", {}, finding.rule)),
      el("span", {}, finding.agent ? `${finding.key} by ${finding.agent}` : finding.key)));
  if (!withSource) return node;
  const { fix } = finding;
  const fixCovers = fix && fix.path === finding.path && fix.first <= finding.line && finding.line <= fix.last;
  const context = fixCovers && sourceLine(fix.path, fix.first) !== undefined ? null : contextOf(finding);
  if (context) node.append(context);
  if (fix) {
    const where = fix.path === finding.path ? "" : ` in ${fix.path}`;
    const lines = fix.first === fix.last ? `line ${fix.first}` : `lines ${fix.first} to ${fix.last}`;
    node.append(el("p", { class: "caption" }, `Fix${where}, ${lines}`), fixOf(finding));
  }
  return node;
};

const startFindings = () => {
  const root = document.getElementById("findings-root");
  if (!root) return { update: () => {}, all: () => {} };
  const counts = (key) => {
    const found = new Map();
    for (const finding of data.findings) {
      const value = finding[key];
      if (value !== undefined) found.set(value, (found.get(value) ?? 0) + 1);
    }
    return found;
  };
  const change = (changes) => { Object.assign(state, changes); writeAddress(); update(); };
  const chosen = () => new Set(state.severity.split(",").filter((name) => severities.includes(name)));

  const bySeverity = counts("severity");
  const chips = new Map(severities.filter((name) => bySeverity.has(name)).map((name) => [name, el("button", {
    class: `chip ${name}`, type: "button", "aria-pressed": "false",
    onclick: () => {
      const names = chosen();
      if (!names.delete(name)) names.add(name);
      change({ severity: severities.filter((other) => names.has(other)).join(",") });
    },
  }, word(name), el("b", {}, grouped(bySeverity.get(name))))]));
  const choice = (key, label) => {
    const values = [...counts(key)].sort((a, b) => compareText(a[0], b[0]));
    return el("select", { "aria-label": label, onchange: (event) => change({ [key === "path" ? "file" : key]: event.target.value }) },
      el("option", { value: "" }, label),
      ...values.map(([value, count]) => el("option", { value }, `${value.length > 60 ? `…${value.slice(-59)}` : value} (${grouped(count)})`)));
  };
  const search = el("input", {
    type: "search", placeholder: "Search findings  ( / )", "aria-label": "Search findings",
    oninput: (event) => change({ q: event.target.value }),
  });
  const rule = choice("rule", "Every rule");
  const file = choice("path", "Every file");
  const task = choice("task", "Every task");
  const sort = el("select", { "aria-label": "Group and sort by", onchange: (event) => change({ sort: event.target.value }) },
    ...Object.keys(orders).map((name) => el("option", { value: name }, `By ${name}`)));
  const order = el("button", { type: "button", onclick: () => change({ order: state.order === "down" ? "" : "down" }) });
  const source = el("input", { type: "checkbox", onchange: (event) => change({ source: event.target.checked ? "" : "no" }) });
  const reset = el("button", {
    type: "button",
    onclick: () => change({ severity: "", rule: "", file: "", task: "", q: "" }),
  }, "Clear filters");
  const total = el("span", { class: "total", role: "status" });
  const list = el("div", { id: "findings-list" });
  root.append(
    el("div", { class: "bar" }, search, el("span", { class: "chips", role: "group", "aria-label": "Severity" }, ...chips.values())),
    el("div", { class: "bar" }, rule, file, task, sort, order, el("label", { class: "check" }, source, "Source and fixes"), reset, el("span", { class: "grow" }), total),
    list);
  if (data.findings_left_out > 0) {
    root.append(el("p", { class: "note" }, `The ${plural(data.findings_left_out, "mildest finding")} beyond ${grouped(data.findings.length)} are in the SARIF report only.`));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(input|select|textarea)$/i.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });

  let drawing = null;
  const update = () => {
    const names = chosen();
    const text = state.q.trim().toLowerCase();
    const matches = data.findings.filter((finding) => (names.size === 0 || names.has(finding.severity))
      && (state.rule === "" || finding.rule === state.rule)
      && (state.file === "" || finding.path === state.file)
      && (state.task === "" || finding.task === state.task)
      && (text === "" || `${finding.message}\n${finding.rule}\n${finding.path ?? ""}\n${finding.key}\n${finding.agent ?? ""}`.toLowerCase().includes(text)));
    const by = Object.hasOwn(orders, state.sort) ? state.sort : "file";
    matches.sort(orders[by]);
    if (state.order === "down") matches.reverse();

    for (const [name, chip] of chips) chip.setAttribute("aria-pressed", String(names.has(name)));
    if (search.value !== state.q) search.value = state.q;
    [[rule, state.rule], [file, state.file], [task, state.task], [sort, by]].forEach(([select, value]) => { select.value = value; });
    order.textContent = state.order === "down" ? "↑ Reversed" : "↓ In order";
    source.checked = state.source !== "no";
    reset.hidden = !(state.severity || state.rule || state.file || state.task || state.q);
    total.textContent = matches.length === data.findings.length
      ? plural(matches.length, "finding")
      : `${grouped(matches.length)} of ${plural(data.findings.length, "finding")}`;

    drawing?.stop();
    list.replaceChildren();
    if (matches.length === 0) {
      list.append(el("p", { class: "panel empty" }, "No finding fits these filters."));
      drawing = null;
      return;
    }
    const sizes = new Map();
    for (const finding of matches) sizes.set(groups[by](finding), (sizes.get(groups[by](finding)) ?? 0) + 1);
    let group;
    let items;
    drawing = lazily(list, matches, (finding) => {
      const name = groups[by](finding);
      if (name !== group) {
        group = name;
        items = el("div", { class: "group-list" });
        list.append(el("section", { class: "group" },
          el("h3", { class: "group-title" }, el("code", {}, name), el("small", {}, plural(sizes.get(name), "finding"))), items));
      }
      items.append(drawFinding(finding, state.source !== "no"));
    }, 40);
  };
  return { update, all: () => drawing?.all(2000) };
};
