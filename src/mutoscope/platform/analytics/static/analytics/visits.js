// Says that somebody looked at a film's page, and played its trailer: once a day each. The browser remembers by itself what it has said,
// so the site can count without knowing who it was. Nothing is said of a page that was loaded and never seen.
(() => {
  const { address, what } = document.currentScript.dataset;
  const today = new Date().toISOString().slice(0, 10);

  const said = () => {
    try {
      const kept = JSON.parse(localStorage.getItem("visits"));
      return kept && kept.day === today ? kept : { day: today, said: [] };
    } catch {
      return { day: today, said: [] };
    }
  };

  const say = (visit) => {
    const kept = said();
    const name = `${address} ${visit === "trailer" ? "trailer" : "page"}`;
    if (kept.said.includes(name)) return;
    kept.said.push(name);
    try {
      localStorage.setItem("visits", JSON.stringify(kept));
    } catch {
      // Not allowed to remember anything: then it is said each time.
    }
    fetch(address, { method: "POST", headers: { "X-Visit": visit }, keepalive: true }).catch(() => {});
  };

  const seen = () => {
    if (document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", seen);
    say(what);
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  const trailer = document.querySelector("[data-trailer]");
  if (trailer) trailer.addEventListener("play", () => say("trailer"), { once: true });
})();
