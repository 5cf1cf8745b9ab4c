// After the click: the film starts where its locked page stood, without leaving it. Pressed here, played here.
(() => {
  const load = (part, into) =>
    new Promise((resolve, reject) => {
      part.onload = resolve;
      part.onerror = () => reject(new Error(`${part.src || part.href} did not load`));
      into.append(part);
    });

  const open = async () => {
    const screen = document.querySelector(".film-screen");
    const film = document.querySelector(".film-locked");
    if (!screen || !film) return; // The panel stands on a page of its own, with a link to the film.
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const player = fresh.querySelector(".film-screen");
    if (!player || !player.querySelector("[data-player]")) throw new Error("the page is still locked");

    for (const sheet of fresh.head.querySelectorAll('link[rel="stylesheet"]')) {
      const href = sheet.getAttribute("href");
      if (document.head.querySelector(`link[href="${href}"]`)) continue;
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = href;
      await load(link, document.head);
    }
    const taken = (part) => [...part.childNodes].map((node) => document.importNode(node, true));
    screen.replaceChildren(...taken(player));
    // What only a viewer has: the dialog of keys, and sharing from where one is.
    for (const id of ["keys", "share"]) {
      const dialog = fresh.getElementById(id);
      const before = document.getElementById(id);
      if (before) before.remove();
      if (dialog) film.after(document.importNode(dialog, true));
    }
    film.classList.remove("film-locked");
    const receipt = document.getElementById("unlock-panel");
    const words = document.querySelector(".film-words");
    const freshWords = fresh.querySelector(".film-words");
    if (words && freshWords) words.replaceChildren(...taken(freshWords));
    if (receipt && words) {
      for (const link of receipt.querySelectorAll("p:has(> a.button)")) link.remove();
      words.prepend(receipt);
    }
    // Other scripts hear of it, as of every part that comes later.
    if (words) window.htmx.process(words);
    document.dispatchEvent(new CustomEvent("htmx:load"));
    for (const part of document.querySelectorAll(".film-panel, [data-unlock-bar]")) part.remove();

    for (const script of fresh.head.querySelectorAll("script[src]")) {
      const src = script.getAttribute("src");
      if (document.querySelector(`script[src="${src}"]`)) continue;
      const copy = document.createElement("script");
      copy.src = src;
      copy.async = false;
      await load(copy, document.head);
    }
    screen.scrollIntoView({ block: "nearest" });
    // A large film pushes the receipt out of sight: then it is said for a moment as well.
    const paid = receipt && receipt.querySelector("p");
    if (paid && paid.getBoundingClientRect().bottom > window.innerHeight) {
      document.dispatchEvent(new CustomEvent("say", { detail: paid.textContent.replace(/\s+/g, " ").trim() }));
    }
    if (window.watching && window.watching.start) window.watching.start();
  };

  // Where anything is missing, the page itself has it: it was paid for, and shows the player.
  document.addEventListener("film-unlocked", () => open().catch(() => location.reload()));
})();
