// Tells the site now and then which stretches of the film were shown, and where the player is. One request each quarter of
// a minute while it plays, one when it stops, one when the page goes away; nothing while nothing plays.
window.watching = window.watching || {};
window.watching.Beats = class {
  static STRETCHES_MAX = 50;

  // `address()` is where beats go, or null without a playback; `refused(problem)` is called when the site says no.
  constructor(video, everyMs, address, refused) {
    this.video = video;
    this.everyMs = everyMs;
    this.address = address;
    this.refused = refused;
    this.stretches = [];
    this.current = null;
    this.unsent = false;
    video.addEventListener("timeupdate", () => this.note());
    video.addEventListener("seeking", () => this.close());
    for (const name of ["pause", "ended"]) {
      video.addEventListener(name, () => {
        this.note();
        this.send();
      });
    }
    this.timer = setInterval(() => {
      if (!video.paused) this.send();
    }, everyMs);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.send();
    });
    window.addEventListener("pagehide", () => this.leave());
  }

  // Time goes on in small steps while something is shown; a leap is a seek that has not said so yet.
  note() {
    const { video } = this;
    if (video.seeking || video.readyState < 2) return;
    const now = Math.round(video.currentTime * 1000);
    const step = 2500 * Math.max(1, video.playbackRate);
    if (this.current && now >= this.current[1] && now - this.current[1] <= step) {
      if (now > this.current[1]) this.unsent = true;
      this.current[1] = now;
    } else if (!video.paused) {
      this.close();
      this.current = [now, now];
    }
  }

  close() {
    if (this.current && this.current[1] > this.current[0]) this.stretches.push(this.current);
    this.current = null;
    // Without a connection they gather; then the oldest are given up.
    this.stretches = this.stretches.slice(-this.constructor.STRETCHES_MAX);
  }

  take() {
    const going = this.current;
    this.close();
    if (going) this.current = [going[1], going[1]];
    const stretches = this.stretches;
    this.stretches = [];
    return stretches;
  }

  document(stretches, isLast) {
    // What has not played has no position: so that opening a page never sets somebody back to the beginning.
    const position = stretches.length ? Math.round(this.video.currentTime * 1000) : null;
    return JSON.stringify({ position_ms: position, stretches, is_last: isLast });
  }

  async send() {
    const address = this.address();
    if (!address || !this.unsent) return;
    this.unsent = false;
    const stretches = this.take();
    if (!stretches.length) return;
    let response;
    try {
      response = await fetch(address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: this.document(stretches, false),
        keepalive: true,
      });
    } catch {
      this.stretches = [...stretches, ...this.stretches].slice(-this.constructor.STRETCHES_MAX);
      this.unsent = true;
      return;
    }
    if (!response.ok && response.status < 500 && response.status !== 429) {
      this.refused(await response.json().catch(() => ({ status: response.status })));
    }
  }

  leave() {
    const address = this.address();
    if (!address) return;
    this.note();
    const body = new Blob([this.document(this.take(), true)], { type: "application/json" });
    navigator.sendBeacon(address, body);
    this.unsent = false;
  }
};
