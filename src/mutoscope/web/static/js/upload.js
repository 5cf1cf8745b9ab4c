// Films go up in pieces, by tus: several at once, each with its speed and the time left, paused and resumed at will.
// What was begun is found again after a reload, by the file's name, size and date.
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
      this.toggle = make("button", "button button-quiet button-small");
      this.toggle.type = "button";
      this.toggleLabel = make("span", "button-label", "Pause");
      this.toggle.append(this.toggleLabel, make("span", "visually-hidden", ` ${file.name}`));
      this.toggle.addEventListener("click", () => (this.paused ? this.resume() : this.pause()));
      this.cancelButton = make("button", "button button-quiet button-small");
      this.cancelButton.type = "button";
      this.cancelButton.append(make("span", "button-label", "Cancel"), make("span", "visually-hidden", ` ${file.name}`));
      this.cancelButton.addEventListener("click", () => this.cancel());
      this.buttons = make("span", "upload-buttons");
      this.buttons.append(this.toggle, this.cancelButton);
      this.item.append(make("span", "upload-name", file.name), this.buttons, this.bar, this.words);
      list.prepend(this.item);
    }

    async start() {
      if (this.file.size > bytesMax) {
        this.end(`This file has ${size(this.file.size)}; the largest that this site takes is ${size(bytesMax)}.`);
        return;
      }
      this.upload = new tus.Upload(this.file, {
        endpoint: new URL(drop.dataset.uploads, location.href).href,
        chunkSize: Number(drop.dataset.chunkBytes),
        retryDelays: [0, 1000, 2000, 5000, 5000, 10000, 15000, 30000, 30000, 60000],
        metadata: { filename: this.file.name, filetype: this.file.type },
        removeFingerprintOnSuccess: true,
        onBeforeRequest: (request) => request.setHeader("X-CSRFToken", token()),
        onShouldRetry: (error) => {
          const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
          const again = status === 0 || status === 409 || status === 423 || status === 460 || status >= 500;
          if (again && !this.paused) this.words.textContent = problem(error);
          return again;
        },
        onUploadUrlAvailable: refreshFilms,
        onProgress: (sent) => this.progress(sent),
        onSuccess: () => {
          this.bar.value = this.file.size;
          this.end("Uploaded. It is being processed now.");
          refreshFilms();
        },
        onError: (error) => {
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

    end(words) {
      this.words.textContent = words;
      this.buttons.remove();
      this.ended = true;
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
