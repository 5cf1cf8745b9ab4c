"use strict";
// The live part of the pay panel. Everything to pay with is in the page already, and works without it.
(() => {
  const ORDER = ["waiting", "seen", "confirmed", "settled"];
  const FIRST_PAUSE_MS = 2000;
  const LONGEST_PAUSE_MS = 30000;

  function left(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const parts = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
    return parts.map((part) => String(part).padStart(2, "0")).join(":");
  }

  function show(panel, stands) {
    panel.dataset.status = stands.status;
    const at = ORDER.indexOf(stands.status);
    for (const step of panel.querySelectorAll("[data-step]")) {
      step.classList.toggle("is-done", ORDER.indexOf(step.dataset.step) <= at);
    }
    const isOpen = at >= 0 && stands.status !== "settled";
    // What was seen is not asked for again: two payments would be made of one. Should it vanish, or be too little, it is.
    panel.querySelector("[data-open]").hidden = stands.status !== "waiting";
    for (const price of panel.querySelectorAll("[data-mint]")) {
      // Codes and links for the rest are the server's to make.
      if (isOpen && (stands.missing[price.dataset.mint] || "") !== price.dataset.shownMissing) location.reload();
    }
    const news = panel.querySelector("[data-news]");
    const texts = {
      settled: "Thank you, your payment has arrived.",
      expired: "This offer has ended. Please do not pay any more.",
      seen: "Your payment was seen. It is final in less than a minute.",
      confirmed: "Your payment is confirmed. It is final in a few seconds.",
    };
    const text = texts[stands.status] || "";
    if (news.textContent !== text) news.textContent = text;
    const signature = panel.querySelector("[data-signature]");
    signature.hidden = !stands.signature;
    signature.querySelector("code").textContent = stands.signature;
    return isOpen;
  }

  function start(panel) {
    const clock = panel.querySelector("[data-clock]");
    const ends = Date.parse(panel.dataset.expiresAt);
    const tick = () => { clock.textContent = left(ends - Date.now()); };
    tick();
    const ticking = setInterval(tick, 1000);
    for (const button of panel.querySelectorAll("[data-copy]")) {
      if (!navigator.clipboard) break;
      button.hidden = false;
      const name = button.textContent;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not copied";
        }
        setTimeout(() => { button.textContent = name; }, 2000);
      });
    }

    let pause = FIRST_PAUSE_MS;
    const look = async () => {
      let isOpen = true;
      try {
        const answer = await fetch(panel.dataset.statusUrl, {
          headers: { "Payment-Token": panel.dataset.token },
          credentials: "same-origin",
          cache: "no-store",
        });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const stands = await answer.json();
        const before = panel.dataset.status;
        isOpen = show(panel, stands);
        pause = FIRST_PAUSE_MS;
        if (before !== stands.status) {
          panel.dispatchEvent(new CustomEvent(`solana-pay:${stands.status}`, { bubbles: true, detail: stands }));
          if (stands.status === "settled" && panel.dataset.successUrl) location.assign(panel.dataset.successUrl);
        }
      } catch {
        // The server rests, or the network: asked ever more seldom, and for ever, since the money may be on its way.
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
      if (isOpen) setTimeout(look, pause);
      else clearInterval(ticking);
    };
    if (ORDER.slice(0, 3).includes(panel.dataset.status)) setTimeout(look, pause);
    else clearInterval(ticking);
  }

  for (const panel of document.querySelectorAll("[data-solana-pay]")) {
    if (panel.dataset.started) continue;
    panel.dataset.started = "yes";
    start(panel);
  }
})();
