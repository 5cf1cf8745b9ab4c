// What film cards do beyond being links.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // Cards show their film in small pictures while a pointer or the focus rests on them.
  const PICTURE_MS = 500;
  const preview = (card) => {
    const cover = card.querySelector("[data-preview]");
    if (!cover || calm.matches) return;
    const { preview: url, columns, rows, tiles } = cover.dataset;
    let timer = null;
    let layer = null;
    const stop = () => {
      clearInterval(timer);
      timer = null;
      if (layer) layer.remove();
      layer = null;
    };
    const begin = () => {
      if (timer) return;
      let tile = 0;
      layer = document.createElement("div");
      layer.className = "cover-preview";
      const picture = new Image();
      const place = () => {
        const column = tile % Number(columns);
        const row = Math.floor(tile / Number(columns));
        layer.style.backgroundPosition = `${(column / Math.max(1, columns - 1)) * 100}% ${(row / Math.max(1, rows - 1)) * 100}%`;
        tile = (tile + 1) % Number(tiles);
      };
      picture.addEventListener("load", () => {
        if (!layer) return;
        layer.style.backgroundImage = `url("${url}")`;
        layer.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
        place();
        cover.prepend(layer);
      });
      picture.src = url;
      timer = setInterval(place, PICTURE_MS);
    };
    card.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && begin());
    card.addEventListener("pointerleave", stop);
    card.addEventListener("focusin", begin);
    card.addEventListener("focusout", stop);
  };
  all(".film-card").forEach(preview);
  // How far somebody was: a width is a style, which only a script may set here.
  for (const bar of all("[data-seen-percent]")) bar.style.inlineSize = `${bar.dataset.seenPercent}%`;
})();
