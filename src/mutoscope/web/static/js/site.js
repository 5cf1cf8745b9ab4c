// Small comforts for every page. Each part works on what it finds, and a page without scripts works as well.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // A button that was pressed says what it is doing, and cannot be pressed twice.
  const setBusy = (button) => {
    const label = button.querySelector(".button-label");
    button.setAttribute("aria-busy", "true");
    if (label && button.dataset.busy) {
      label.dataset.idle = label.textContent;
      label.textContent = button.dataset.busy;
    }
  };
  const setIdle = (button) => {
    const label = button.querySelector(".button-label");
    button.removeAttribute("aria-busy");
    if (label && label.dataset.idle) label.textContent = label.dataset.idle;
  };
  // What cannot be taken back asks first (components/ask.html): the button beside the question opens it, the one inside sends the form.
  document.addEventListener("submit", (event) => {
    const question = event.target.matches("[data-asks]") && event.target.querySelector("dialog");
    if (!question || question.contains(event.submitter)) return;
    event.preventDefault();
    question.showModal();
  });
  document.addEventListener("click", (event) => {
    const keep = event.target.closest("[data-keeps]");
    if (keep) keep.closest("dialog").close();
  });
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const button = event.submitter;
    if (button && button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
    } else if (button && button.matches("[data-busy]")) {
      setBusy(button);
    }
  });
  // Coming back by the Back button may show the page as it was left, with a button still busy.
  window.addEventListener("pageshow", () => all('[data-busy][aria-busy="true"]').forEach(setIdle));

  // On a phone a row of tabs runs out of the page: the one that is shown is brought into sight.
  for (const here of all('.tabs [aria-current="page"]')) {
    here.scrollIntoView({ block: "nearest", inline: "center" });
  }

  // Menus are <details>: they open by themselves; here they close when one is done with them.
  const closeMenus = (except) => {
    for (const menu of all("details.menu[open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // Light, dark, or as the device says.
  const choice = document.querySelector("[data-theme-choice]");
  if (choice) {
    const show = () => {
      const chosen = document.documentElement.dataset.theme || "system";
      for (const button of all("button", choice)) {
        button.setAttribute("aria-pressed", String(button.value === chosen));
      }
    };
    choice.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const chosen = button.value;
      try {
        if (chosen === "system") localStorage.removeItem("theme");
        else localStorage.setItem("theme", chosen);
      } catch {
        // Storage is switched off: the choice lasts until the page is left.
      }
      if (chosen === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = chosen;
      show();
    });
    choice.hidden = false;
    show();
  }

  // Toasts leave by themselves when they only say that something worked; a problem stays until it is dismissed.
  const leaveAfterMs = 6000;
  const dismiss = (toast) => {
    toast.classList.add("toast-leaving");
    setTimeout(() => toast.remove(), 250);
  };
  const watch = (toast) => {
    const close = toast.querySelector("[data-toast-close]");
    if (close) {
      close.hidden = false;
      close.addEventListener("click", () => dismiss(toast));
    }
    if (toast.matches(".toast-error, .toast-warning")) return;
    let timer = setTimeout(() => dismiss(toast), leaveAfterMs);
    for (const pause of ["pointerenter", "focusin"]) toast.addEventListener(pause, () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => {
      timer = setTimeout(() => dismiss(toast), leaveAfterMs);
    });
  };
  all("[data-toast]").forEach(watch);
  const say = (words, kind) => {
    const place = document.querySelector("[data-toasts]");
    const toast = document.createElement("div");
    toast.className = `toast toast-${kind}`;
    const text = document.createElement("p");
    text.textContent = words;
    toast.append(text);
    place.append(toast);
    watch(toast);
    if (kind === "error") setTimeout(() => dismiss(toast), leaveAfterMs * 2);
  };
  // What another script of the site has to say: something worked.
  document.addEventListener("say", (event) => say(event.detail, "success"));
  document.addEventListener("htmx:responseError", () => say("That did not work. Try again in a moment.", "error"));
  document.addEventListener("htmx:sendError", () => say("The server cannot be reached. Are you online?", "error"));

  // After a refusal the first field to mend is where one continues.
  const wrong = document.querySelector('[aria-invalid="true"]');
  if (wrong) wrong.focus();

  // Show and hide a password.
  for (const button of all("[data-reveal]")) {
    const input = document.getElementById(button.dataset.reveal);
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
      button.firstChild.textContent = shown ? "Show" : "Hide";
    });
  }

  // Dialogs: a button opens one, the dialog's own buttons close it (<form method="dialog">).
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
  });

  // Copy a text that somebody would otherwise have to select.
  const offerCopies = () => {
    for (const button of all("[data-copies]")) button.hidden = !navigator.clipboard;
  };
  offerCopies();
  document.addEventListener("htmx:load", offerCopies);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
    say("Copied.", "success");
  });

  // Moments come in UTC, because the server does not know where somebody is; here they become the visitor's own time.
  // The site writes the day before the month, as the server does.
  const shown = (when, parts) => new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", ...parts }).format(when);
  const toOwnTime = (root) => {
    for (const time of all("time[data-moment]", root)) {
      const when = new Date(time.dateTime);
      time.title = shown(when, { dateStyle: "long", timeStyle: "long" });
      if (time.dataset.moment !== "ago") {
        const year = when.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
        // Where a column is narrow the time goes below the day, and neither is taken apart.
        const day = shown(when, { day: "numeric", month: "long", ...year }).replaceAll(" ", "\u00a0");
        time.textContent = `${day}, ${shown(when, { hour: "2-digit", minute: "2-digit" })}`;
      }
      // Once: a part that comes later is looked through with all that is around it.
      delete time.dataset.moment;
    }
  };
  toOwnTime(document);
  document.addEventListener("htmx:load", () => toOwnTime(document));

  // Back to a form that was refused: the browser still has what was typed into it.
  for (const button of all("[data-goes-back]")) {
    button.hidden = history.length < 2;
    button.addEventListener("click", () => history.back());
  }

  // No connection: say so, and say when it is back. Nothing is lost meanwhile.
  const offline = document.querySelector("[data-offline]");
  const showConnection = () => {
    offline.hidden = navigator.onLine;
  };
  if (offline) {
    window.addEventListener("online", showConnection);
    window.addEventListener("offline", showConnection);
    showConnection();
  }

  // Nothing to offer where the browser knows no passkeys.
  if (!window.PublicKeyCredential) for (const part of all("[data-needs-passkeys]")) part.hidden = true;

  // A passkey that did not work, in words. Without this the reason would only be in the console.
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const name = event.detail.exception && event.detail.exception.name;
    const words =
      name === "NotAllowedError"
        ? "The passkey was not used. You can try again."
        : name === "InvalidStateError"
          ? "This device holds a passkey for you already."
          : name === "SecurityError"
            ? "Passkeys belong to the site's own address. Open the site there, and try again."
            : "This passkey did not work. Try again, or sign in another way.";
    say(words, "error");
  });
})();
