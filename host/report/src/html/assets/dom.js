// Elements, and how figures are written. Text is only ever set as text.
const data = JSON.parse(document.getElementById("data").textContent);

const el = (name, properties = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "style") Object.assign(node.style, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
  return node;
};

const grouped = (number) => number.toLocaleString("en-US");
const plural = (number, word) => `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;

// Text in which `words between backticks` are code.
const prose = (text) => text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? el("code", {}, part) : part));

const scaled = (value, units) => {
  const [factor, unit] = units.find(([least]) => value >= least) ?? units[units.length - 1];
  const number = value / factor;
  return `${number >= 100 || Number.isInteger(number) ? Math.round(number) : number.toFixed(1)}${unit}`;
};
const showFuel = (value) => scaled(value, [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]]);
const showBytes = (value) => scaled(value, [[2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"], [1, " B"]]);
const showTime = (micros) => {
  if (micros === 0) return "0";
  if (micros >= 3.6e9) return `${Math.floor(micros / 3.6e9)}h ${String(Math.floor(micros / 6e7) % 60).padStart(2, "0")}m`;
  if (micros >= 6e7) return `${Math.floor(micros / 6e7)}m ${String(Math.floor(micros / 1e6) % 60).padStart(2, "0")}s`;
  return scaled(micros, [[1e6, " s"], [1e3, " ms"], [1, " µs"]]);
};

// Draws `rows` a chunk at a time, as far as somebody has scrolled.
const lazily = (root, rows, draw, chunk) => {
  let drawn = 0;
  const more = el("button", { class: "more", type: "button", onclick: () => next(chunk) });
  const next = (count) => {
    const end = Math.min(rows.length, drawn + count);
    for (; drawn < end; drawn += 1) draw(rows[drawn], drawn);
    if (drawn < rows.length) {
      more.textContent = `Show more (${grouped(rows.length - drawn)} left)`;
      root.after(more);
    } else {
      more.remove();
      seen.disconnect();
    }
  };
  const seen = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) next(chunk);
  }, { rootMargin: "600px" });
  next(chunk);
  if (drawn < rows.length) seen.observe(more);
  return {
    all: (limit) => next(Math.max(0, limit - drawn)),
    stop: () => { seen.disconnect(); more.remove(); },
  };
};
