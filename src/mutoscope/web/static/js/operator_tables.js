// A table of the operator's pages that is wider than its box says so, and can be moved by keyboard.
(() => {
  for (const box of document.querySelectorAll(".results")) {
    const note = document.createElement("p");
    note.className = "goes-on-note";
    note.textContent = "More columns to the right: slide the table →";
    box.before(note);

    const tell = () => {
      const hidden = box.scrollWidth - box.clientWidth;
      const goesOn = hidden - box.scrollLeft > 1;
      box.classList.toggle("goes-on", goesOn);
      note.hidden = !goesOn;
      if (hidden > 1) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", document.querySelector("#content h1")?.textContent.trim() || "Table");
      }
    };
    box.addEventListener("scroll", tell, { passive: true });
    new ResizeObserver(tell).observe(box);
    tell();
  }
})();
