// The player's own menu: quality, subtitles, sound, speed. Radio buttons, so that keyboards and screen readers know them.
window.watching = window.watching || {};
window.watching.Settings = class {
  static SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

  constructor(root, video) {
    this.root = root;
    this.video = video;
    this.panel = root.querySelector("[data-settings]");
    this.button = root.querySelector("[data-settings-button]");
    this.captionsButton = root.querySelector("[data-captions]");
    this.captionsButton.addEventListener("click", () => this.switchCaptions());
    this.button.addEventListener("click", () => this.toggle(this.panel.hidden));
    this.panel.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.toggle(false);
    });
    document.addEventListener("click", (event) => {
      if (!this.panel.hidden && !event.target.closest("[data-settings], [data-settings-button]")) this.close();
    });
    const chosen = this.remembered("speed", 1);
    video.playbackRate = video.defaultPlaybackRate = this.constructor.SPEEDS.includes(chosen) ? chosen : 1;
    this.offer(
      "speed",
      this.constructor.SPEEDS.map((speed) => ({ value: speed, label: speed === 1 ? "Normal" : `${speed} ×` })),
      video.playbackRate,
      (speed) => this.speed(speed),
    );
  }

  toggle(open) {
    if (!open) {
      this.close();
      this.button.focus();
      return;
    }
    this.panel.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    const first = this.panel.querySelector("input:checked");
    if (first) first.focus();
  }

  close() {
    this.panel.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  speed(value) {
    this.video.playbackRate = this.video.defaultPlaybackRate = value;
    this.remember("speed", value);
    this.check("speed", value);
  }

  faster(by) {
    const { SPEEDS } = this.constructor;
    const here = SPEEDS.indexOf(this.video.playbackRate);
    this.speed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (here < 0 ? 2 : here) + by))]);
  }

  // What hls.js found in the film.
  follow(hls) {
    const show = () => {
      const families = new Set(hls.levels.map((level) => (level.videoCodec || "").slice(0, 4)));
      const name = (level) => `${level.height}p${families.size > 1 && level.videoCodec.startsWith("av01") ? " AV1" : ""}`;
      const levels = hls.levels.map((level, index) => ({ value: index, label: name(level), height: level.height }));
      levels.sort((one, other) => other.height - one.height);
      this.offer("quality", [{ value: -1, label: "Automatic" }, ...levels], hls.autoLevelEnabled ? -1 : hls.nextLevel, (index) => {
        hls.nextLevel = index;
      });
      const sounds = hls.audioTracks.map((track) => ({ value: track.id, label: track.name }));
      this.offer("sound", sounds, hls.audioTrack, (id) => {
        hls.audioTrack = id;
      });
    };
    const { Events } = window.Hls;
    for (const event of [Events.MANIFEST_PARSED, Events.AUDIO_TRACKS_UPDATED, Events.LEVELS_UPDATED]) hls.on(event, show);
    this.followCaptions();
  }

  followCaptions() {
    const tracks = this.video.textTracks;
    const captions = () => this.captions();
    const show = () => {
      const found = captions();
      this.captionsButton.hidden = found.length === 0;
      this.captionsButton.setAttribute("aria-pressed", String(found.some((track) => track.mode === "showing")));
      const shown = found.findIndex((track) => track.mode === "showing");
      const options = found.map((track, index) => ({ value: index, label: track.label || track.language }));
      this.offer("captions", options.length ? [{ value: -1, label: "Off" }, ...options] : [], shown, (index) => {
        captions().forEach((track, each) => {
          track.mode = each === index ? "showing" : "disabled";
        });
      });
    };
    for (const event of ["addtrack", "removetrack", "change"]) tracks.addEventListener(event, show);
    show();
  }

  captions() {
    return [...this.video.textTracks].filter((track) => ["subtitles", "captions"].includes(track.kind));
  }

  // On again means those that were shown last, else those in the browser's language, else the first.
  switchCaptions() {
    const found = this.captions();
    const shown = found.find((track) => track.mode === "showing");
    if (shown) {
      this.lastCaptions = shown;
      shown.mode = "disabled";
      return;
    }
    const language = navigator.language.split("-")[0];
    const next = found.find((track) => track === this.lastCaptions) || found.find((track) => track.language === language) || found[0];
    if (next) next.mode = "showing";
  }

  offer(name, options, chosen, choose) {
    const fieldset = this.panel.querySelector(`[data-choices="${name}"]`);
    fieldset.hidden = options.length < 2;
    const had = fieldset.contains(document.activeElement);
    for (const label of fieldset.querySelectorAll("label")) label.remove();
    for (const option of options) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "radio";
      input.name = `player-${name}`;
      input.value = String(option.value);
      input.checked = option.value === chosen;
      input.addEventListener("change", () => choose(option.value));
      const words = document.createElement("span");
      words.textContent = option.label;
      label.append(input, words);
      fieldset.append(label);
      if (had && input.checked) input.focus();
    }
  }

  check(name, value) {
    const input = this.panel.querySelector(`input[name="player-${name}"][value="${value}"]`);
    if (input) input.checked = true;
  }

  remembered(name, otherwise) {
    try {
      const value = JSON.parse(localStorage.getItem(`player-${name}`));
      return value === null ? otherwise : value;
    } catch {
      return otherwise;
    }
  }

  remember(name, value) {
    try {
      localStorage.setItem(`player-${name}`, JSON.stringify(value));
    } catch {
      // Storage is switched off: it holds until the page is left.
    }
  }
};
