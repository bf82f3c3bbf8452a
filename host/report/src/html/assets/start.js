// Puts it together.
for (const node of document.querySelectorAll(".prose")) node.replaceChildren(...prose(node.textContent));
const goTo = (id) => document.getElementById(id)?.scrollIntoView({ block: "start" });
const isFiltered = readAddress();
const findings = startFindings();
const timeline = startTimeline();
const attempts = startAttempts();
startLogs();
const updateAll = () => { findings.update(); timeline.update(); attempts.update(); };
updateAll();
if (isFiltered) goTo("findings");

addEventListener("hashchange", () => {
  const filtered = readAddress();
  updateAll();
  if (filtered) goTo("findings");
});
// Moving to a section keeps the filters that stand in the address.
for (const link of document.querySelectorAll("nav a")) {
  link.addEventListener("click", (event) => {
    if (!location.hash.includes("=")) return;
    event.preventDefault();
    goTo(link.getAttribute("href").slice(1));
  });
}
addEventListener("beforeprint", () => { findings.all(); attempts.all(); });
document.documentElement.dataset.ready = "yes";
