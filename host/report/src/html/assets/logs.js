// The last log lines of each task, drawn when somebody opens them.
const startLogs = () => {
  const root = document.getElementById("logs-root");
  if (!root) return;
  for (const log of data.logs) {
    const summary = el("summary", {}, el("code", {}, log.task),
      el("small", {}, plural(log.lines.length, "line") + (log.omitted > 0 ? `, ${grouped(log.omitted)} earlier ones not kept` : "")));
    const details = el("details", { class: "panel log" }, summary);
    const draw = () => {
      if (details.querySelector("ol")) return;
      details.append(el("ol", { tabindex: 0, "aria-label": `Log of ${log.task}` }, ...log.lines.map((line) => el("li", {},
        el("span", {}, line.attempt), el("span", { class: line.level }, line.level), el("span", {}, line.text)))));
    };
    details.addEventListener("toggle", () => { if (details.open) draw(); });
    root.append(details);
  }
};
