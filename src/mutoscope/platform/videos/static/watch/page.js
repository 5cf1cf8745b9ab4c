// Around the player: sharing, chapters, the trailer, previews on cards, and the bar that repeats the price on a phone.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  // Asked for when it is needed: a film that is unlocked in place has its player later than this.
  const watching = () => window.watching || {};
  const offer = () => {
    for (const part of all("[data-needs-scripts]")) part.hidden = false;
  };
  offer();
  document.addEventListener("htmx:load", offer);

  // Share, from the beginning or from here. Looked for at each click: the dialog of an unlocked film takes the locked one's place.
  const seconds = () => Math.floor(watching().video ? watching().video.currentTime : 0);
  const clock = (whole) => {
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const shown = parts[0] ? parts : parts.slice(1);
    return shown.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
  };
  const showLink = () => {
    const link = document.querySelector("[data-share-link]");
    const now = document.querySelector("[data-share-now]");
    const moment = document.querySelector("[data-share-moment]");
    if (!link) return;
    if (moment) moment.textContent = clock(seconds());
    link.value = now && now.checked && seconds() ? `${link.defaultValue}?t=${seconds()}` : link.defaultValue;
  };
  const copyLink = async (button) => {
    const link = document.querySelector("[data-share-link]");
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
      button.textContent = "Copied";
    } catch {
      // Not allowed to: it is selected, so that one can copy it oneself.
      button.textContent = "Selected: copy it now";
    }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-opens="share"]')) showLink();
    const copies = event.target.closest("[data-share-copy]");
    if (copies) copyLink(copies);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-share-now]")) showLink();
  });

  // A chapter in the list leads there in place.
  document.addEventListener("click", (event) => {
    const chapter = event.target.closest("[data-goes-to]");
    if (!chapter || !watching().goTo || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    watching().goTo(Number(chapter.dataset.goesTo) / 1000);
    watching().root.scrollIntoView({ block: "nearest" });
  });

  // The featured film's trailer moves by itself only for those who like things to move, and can always be stopped.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  for (const trailer of all("[data-featured]")) {
    const button = document.querySelector("[data-featured-button]");
    const show = () => {
      button.setAttribute("aria-label", trailer.paused ? "Play the trailer" : "Pause the trailer");
      button.dataset.state = trailer.paused ? "paused" : "playing";
    };
    button.hidden = false;
    button.addEventListener("click", () => (trailer.paused ? trailer.play().catch(() => {}) : trailer.pause()));
    for (const name of ["play", "pause"]) trailer.addEventListener(name, show);
    if (!calm.matches) trailer.play().catch(() => {});
    show();
  }

  // On a phone the way to unlock stays in sight.
  const panel = document.getElementById("unlock");
  const bar = document.querySelector("[data-unlock-bar]");
  if (panel && bar && "IntersectionObserver" in window) {
    new IntersectionObserver(([entry]) => {
      bar.hidden = entry.isIntersecting;
    }).observe(panel);
  }
})();
