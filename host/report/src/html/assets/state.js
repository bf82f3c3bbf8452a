// What is filtered and sorted lives in the address, so that a view can be shared.
const defaults = {
  severity: "", rule: "", file: "", task: "", q: "", sort: "file", order: "", source: "",
  attempts: "", outcome: "", by: "", direction: "", rows: "",
};
const state = { ...defaults };

const readAddress = () => {
  const text = location.hash.slice(1);
  Object.assign(state, defaults);
  if (!text.includes("=")) return false;
  for (const [key, value] of new URLSearchParams(text)) {
    if (Object.hasOwn(defaults, key)) state[key] = value;
  }
  return true;
};

const writeAddress = () => {
  const changed = Object.entries(state).filter(([key, value]) => value !== defaults[key]);
  const text = new URLSearchParams(changed).toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
};
