// Films go up in pieces, by tus: several at once, each with its speed and the time left, paused and resumed at will.
// What was begun is found again after a reload, by the file's name, size and date. A row stays until its film is made or has failed.
(() => {
  const drop = document.querySelector("[data-uploads]");
  if (!drop || !window.tus) return;
  const list = drop.querySelector("[data-upload-list]");
  const bytesMax = Number(drop.dataset.bytesMax);
  const speedOverMs = 8000;

  const size = (bytes) => {
    for (const [unit, step] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
      if (bytes >= step) return `${(bytes / step).toFixed(1)} ${unit}`;
    }
    return `${bytes} bytes`;
  };
  const time = (seconds) => {
    if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
    if (seconds < 3600) return `about ${Math.round(seconds / 60)} min left`;
    return `about ${(seconds / 3600).toFixed(1)} h left`;
  };
  const token = () => {
    const name = `${document.documentElement.dataset.csrfCookie}=`;
    const found = document.cookie.split("; ").find((part) => part.startsWith(name));
    return found ? decodeURIComponent(found.slice(name.length)) : "";
  };
  const problem = (error) => {
    const answer = error.originalResponse;
    if (!answer) return navigator.onLine ? "The server cannot be reached. Trying again." : "You are offline.";
    try {
      return JSON.parse(answer.getBody()).detail;
    } catch {
      return "The server refused this file.";
    }
  };
  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  };
  // What going on may still mend: the network, a server that is busy or full, a sign-in that ran out, bytes that were damaged.
  const statusOf = (error) => (error.originalResponse ? error.originalResponse.getStatus() : 0);
  const mayGoOn = (status) => [0, 401, 409, 423, 460].includes(status) || status >= 500;
  const refreshFilms = () => document.body.dispatchEvent(new CustomEvent("refresh-films"));

  class Row {
    constructor(file) {
      this.file = file;
      this.samples = [];
      this.paused = false;
      this.item = make("li", "upload");
      this.words = make("p", "upload-words muted small number", "Starting");
      this.bar = make("progress");
      this.bar.max = file.size;
      this.bar.value = 0;
      this.bar.setAttribute("aria-label", file.name);
      const toggle = this.button("Pause", () => (this.paused ? this.resume() : this.pause()));
      this.toggleLabel = toggle.firstChild;
      this.buttons = make("span", "upload-buttons");
      this.buttons.append(toggle, this.button("Cancel", () => this.cancel()));
      this.item.append(make("span", "upload-name", file.name), this.buttons, this.bar, this.words);
      list.prepend(this.item);
    }

    button(words, act) {
      const made = make("button", "button button-quiet button-small");
      made.type = "button";
      made.append(make("span", "button-label", words), make("span", "visually-hidden", ` ${this.file.name}`));
      made.addEventListener("click", act);
      return made;
    }

    async start() {
      if (this.file.size === 0) {
        this.refuse("This file is empty: there is nothing to upload.");
        return;
      }
      if (this.file.size > bytesMax) {
        this.refuse(`This file has ${size(this.file.size)}; the largest that this site takes is ${size(bytesMax)}.`);
        return;
      }
      // The first file that is sent takes the place of the film's own, where the page was opened for that.
      this.asking = drop.dataset.asking;
      if (this.asking) this.asks(false);
      const film = this.asking ? { video: this.asking } : {};
      this.upload = new tus.Upload(this.file, {
        endpoint: new URL(drop.dataset.uploads, location.href).href,
        chunkSize: Number(drop.dataset.chunkBytes),
        retryDelays: [0, 1000, 2000, 5000, 5000, 10000, 15000, 30000, 30000, 60000],
        metadata: { filename: this.file.name, filetype: this.file.type, ...film },
        removeFingerprintOnSuccess: true,
        onBeforeRequest: (request) => request.setHeader("X-CSRFToken", token()),
        onShouldRetry: (error) => {
          const status = statusOf(error);
          const again = status !== 401 && mayGoOn(status);
          if (again && !this.paused) this.words.textContent = problem(error);
          return again;
        },
        onAfterResponse: (request, response) => {
          this.video = response.getHeader("Upload-Video") || this.video;
        },
        onUploadUrlAvailable: refreshFilms,
        onChunkComplete: () => {
          // The list may call it stopped until its first bytes are there again.
          if (this.isListed) return;
          this.isListed = true;
          refreshFilms();
        },
        onProgress: (sent) => this.progress(sent),
        onSuccess: () => {
          this.bar.value = this.file.size;
          this.end("Uploaded. It is being processed now.");
          refreshFilms();
        },
        onError: (error) => {
          if (!mayGoOn(statusOf(error))) {
            this.refuse(problem(error));
            refreshFilms();
            return;
          }
          this.words.textContent = problem(error);
          this.paused = true;
          this.toggleLabel.textContent = "Resume";
        },
      });
      const before = await this.upload.findPreviousUploads();
      if (before.length) this.upload.resumeFromPreviousUpload(before[before.length - 1]);
      this.upload.start();
    }

    progress(sent) {
      const now = performance.now();
      this.bar.value = sent;
      this.samples.push([now, sent]);
      while (this.samples.length > 2 && now - this.samples[0][0] > speedOverMs) this.samples.shift();
      const [[began, first]] = this.samples;
      const perSecond = now > began ? ((sent - first) * 1000) / (now - began) : 0;
      const share = `${Math.floor((sent * 100) / this.file.size)} % of ${size(this.file.size)}`;
      const speed = perSecond > 0 ? `, ${size(Math.round(perSecond))}/s, ${time((this.file.size - sent) / perSecond)}` : "";
      if (!this.paused) this.words.textContent = share + speed;
    }

    pause() {
      this.paused = true;
      this.upload.abort();
      this.toggleLabel.textContent = "Resume";
      this.words.textContent = `Paused at ${Math.floor((this.bar.value * 100) / this.file.size)} %`;
    }

    resume() {
      this.paused = false;
      this.samples = [];
      this.toggleLabel.textContent = "Pause";
      this.words.textContent = "Going on";
      this.isListed = false;
      this.upload.start();
    }

    async cancel() {
      this.paused = true;
      try {
        await this.upload.abort(true);
      } catch {
        // What is left there expires by itself.
      }
      this.item.remove();
      refreshFilms();
    }

    end(words, ...buttons) {
      this.words.textContent = words;
      this.buttons.replaceChildren(...buttons);
      this.ended = true;
    }

    // What no second attempt mends.
    fail(words, ...buttons) {
      this.item.classList.add("upload-failed");
      this.words.classList.remove("muted");
      this.bar.remove();
      this.end(words, ...buttons, this.button("Hide", () => this.item.remove()));
    }

    // Whether the page still asks for a file for that one film.
    asks(still) {
      if (still) drop.dataset.asking = this.asking;
      else delete drop.dataset.asking;
      // Without them the page would offer that film's place to the next file, which is a film of its own.
      for (const part of drop.querySelectorAll("[data-choose-row], [data-asking-words]")) part.hidden = !still;
    }

    refuse(words) {
      if (this.asking) this.asks(true);
      const another = this.button("Choose another", () => {
        this.item.remove();
        choose.click();
      });
      this.fail(words, another);
    }

    // How its film stands, by the list below.
    follow(film) {
      if (!this.ended || this.settled || !["failed", "ready"].includes(film.dataset.state)) return;
      this.settled = true;
      const page = make("a", "button button-quiet button-small", "Open its page");
      page.href = `${drop.dataset.films}${this.video}/`;
      page.append(make("span", "visually-hidden", `: ${this.file.name}`));
      if (film.dataset.state === "failed") this.fail(`This film could not be made. ${film.dataset.reason}`, page);
      else if (film.dataset.damage) this.end(`Ready, but its file is damaged. ${film.dataset.damage}`, page);
      else this.end("Ready. Only you can see it until you publish it.", page);
    }
  }

  const rows = [];
  const take = (files) => {
    for (const file of files) {
      const row = new Row(file);
      rows.push(row);
      row.start();
    }
  };
  const choose = drop.querySelector("[data-choose]");
  document.addEventListener("htmx:load", () => {
    for (const row of rows) {
      const film = row.video && document.querySelector(`[data-film="${CSS.escape(row.video)}"]`);
      if (film) row.follow(film);
    }
  });
  drop.querySelector("[data-choose-row]").hidden = false;
  choose.addEventListener("change", () => {
    take([...choose.files]);
    choose.value = "";
  });
  // The whole page takes what is dropped: a near miss would otherwise open the film in this window.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.dataset.over = "";
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) delete drop.dataset.over;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    if (event.dataTransfer) take([...event.dataTransfer.files]);
  });
  // A closed laptop or another network: go on at once when there is one again.
  addEventListener("online", () => {
    for (const row of rows) if (!row.ended && row.paused && row.upload && row.words.textContent === "You are offline.") row.resume();
  });
  addEventListener("beforeunload", (event) => {
    if (rows.some((row) => !row.ended && !row.paused && row.item.isConnected)) event.preventDefault();
  });
})();
