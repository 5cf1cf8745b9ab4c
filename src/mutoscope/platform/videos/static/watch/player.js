// The player: asks for a playback, attaches the film, and says in words what stands in the way.
// Nothing of the film is asked for before the site has said that it may be watched.
(() => {
  const root = document.querySelector("[data-player]");
  if (!root) return;
  const config = JSON.parse(document.getElementById("player-config").textContent);
  const video = root.querySelector("[data-video]");
  const startButton = root.querySelector("[data-start]");
  const notice = root.querySelector("[data-notice]");
  const noticeWords = root.querySelector("[data-notice-words]");
  const unlock = root.querySelector("[data-unlock]");
  const retryButton = root.querySelector("[data-retry]");
  const settings = new window.watching.Settings(root, video);
  const bars = root.querySelector(".player-bars");

  const ENTITLEMENT = new Set([401, 403, 409]);
  let playback = null;
  let hls = null;
  let starting = null;
  let mended = 0;

  const say = (words, { isLocked = false } = {}) => {
    noticeWords.textContent = words;
    unlock.hidden = !isLocked;
    retryButton.hidden = isLocked;
    unlock.href = `${config.address}?t=${Math.floor(video.currentTime || 0)}`;
    notice.hidden = false;
    startButton.hidden = true;
  };
  const sayNothing = () => {
    notice.hidden = true;
  };

  // A playback, or the problem that says why there is none.
  const begin = async () => {
    const response = await fetch(config.begin, { method: "POST", headers: { "X-Playback": "begin" } });
    const document_ = await response.json();
    if (response.ok) {
      playback = document_;
      return null;
    }
    playback = null;
    return document_;
  };

  const refuse = (problem) => {
    if (hls) hls.stopLoad();
    video.pause();
    const isLocked = ["not-paid", "expired", "signed-out", "not-for-sale"].some((kind) => String(problem.type).endsWith(`:${kind}`));
    say(problem.detail || "The film cannot be played right now.", { isLocked });
  };

  // The playback is over, or its keys are refused: ask the site what holds now, and go on or say why not.
  const renew = async () => {
    if (starting) return;
    starting = begin();
    try {
      const problem = await starting;
      if (problem) {
        refuse(problem);
      } else {
        mended += 1;
        // Somebody for whom keys are refused again and again although the site says yes is not served by asking for ever.
        if (mended > 5) say("The film cannot be decrypted. Load the page again.");
        else if (hls) hls.startLoad(video.currentTime);
      }
    } catch {
      offline();
    } finally {
      starting = null;
    }
  };

  const offline = () => say("The connection is gone. The film goes on when it is back.");

  const onError = (_, data) => {
    const { ErrorTypes, ErrorDetails } = window.Hls;
    const status = data.response ? data.response.code : 0;
    if (data.details === ErrorDetails.KEY_LOAD_ERROR && ENTITLEMENT.has(status)) {
      hls.stopLoad();
      renew();
      return;
    }
    if (!data.fatal) return;
    if (data.type === ErrorTypes.NETWORK_ERROR) {
      if (status === 404 || status === 410) say("This film is not here any more.");
      else if (status === 429) setTimeout(() => hls.startLoad(video.currentTime), 5000);
      else offline();
    } else if (data.type === ErrorTypes.MEDIA_ERROR && mended < 3) {
      mended += 1;
      hls.recoverMediaError();
    } else {
      say("Your browser cannot play this film.");
    }
  };

  const policy = (errors) => ({
    default: {
      maxTimeToFirstByteMs: 10000,
      maxLoadTimeMs: 30000,
      timeoutRetry: { maxNumRetry: 2, retryDelayMs: 500, maxRetryDelayMs: 4000 },
      errorRetry: { maxNumRetry: errors, retryDelayMs: 500, maxRetryDelayMs: 8000, backoff: "exponential", shouldRetry: (retry, count, isTimeout, response, would) => {
        const status = response ? response.code : 0;
        // What the site refuses it refuses the second time as well; too fast is a matter of waiting.
        return would && !(status >= 400 && status < 500 && status !== 429);
      } },
    },
  });

  const attach = (from_s) => {
    // Where hls.js runs it is preferred: Chromium claims to play HLS by itself, and then does not.
    if (window.Hls && window.Hls.isSupported()) {
      hls = new window.Hls({
        workerPath: config.worker,
        startPosition: from_s,
        backBufferLength: 60,
        capLevelToPlayerSize: true,
        keyLoadPolicy: policy(5),
        fragLoadPolicy: policy(4),
        playlistLoadPolicy: policy(4),
        manifestLoadPolicy: policy(2),
        xhrSetup: (request, url) => {
          // The token goes to the keys and nowhere else.
          const address = new URL(url, location.href);
          if (address.origin === location.origin && address.pathname.startsWith(config.keys) && playback) {
            request.setRequestHeader("X-Playback", playback.token);
          }
        },
      });
      hls.on(window.Hls.Events.ERROR, onError);
      hls.on(window.Hls.Events.FRAG_BUFFERED, () => {
        if (!starting && !notice.hidden) sayNothing();
      });
      settings.follow(hls);
      hls.loadSource(playback.playlist);
      hls.attachMedia(video);
    } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
      // Its keys are asked for with a cookie, since a player of the system sends no header of ours.
      video.src = playback.playlist;
      video.addEventListener("loadedmetadata", () => { if (from_s > 0) video.currentTime = from_s; }, { once: true });
      video.addEventListener("error", () => renew());
      settings.followCaptions();
    } else {
      say("Your browser cannot play this film. A current one can.");
      return false;
    }
    return true;
  };

  const start = async () => {
    if (starting) return;
    sayNothing();
    startButton.setAttribute("aria-busy", "true");
    starting = begin();
    try {
      const problem = await starting;
      if (problem) {
        refuse(problem);
        return;
      }
      const from_ms = config.start_ms ?? playback.position_ms ?? 0;
      if (!attach(from_ms / 1000)) return;
      startButton.hidden = true;
      bars.hidden = false;
      root.dataset.playing = "true";
      // The browser may want another click first; then the player's own button is there for it.
      await video.play().catch(() => {});
    } catch {
      offline();
    } finally {
      starting = null;
      startButton.removeAttribute("aria-busy");
    }
  };

  const retry = () => {
    sayNothing();
    if (!hls && !video.currentSrc) start();
    else if (playback) {
      if (hls) hls.startLoad(video.currentTime);
      video.play().catch(() => {});
    } else {
      renew().then(() => playback && video.play().catch(() => {}));
    }
  };

  new window.watching.Beats(
    video,
    15000,
    () => (playback ? `${config.playbacks}${playback.token}/beats` : null),
    (problem) => {
      playback = null;
      if (String(problem.type).endsWith(":playback-over")) renew();
      else refuse(problem);
    },
  );

  bars.hidden = true;
  startButton.hidden = false;
  startButton.addEventListener("click", start);
  retryButton.addEventListener("click", retry);
  window.addEventListener("online", () => {
    if (!notice.hidden) retry();
  });
  // Back from the browser's memory: the good-bye was sent, so a new playback is needed.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && hls) renew();
  });
  video.addEventListener("playing", () => {
    mended = 0;
    sayNothing();
  });

  Object.assign(window.watching, {
    video,
    root,
    settings,
    isStarted: () => Boolean(hls || video.currentSrc),
    start,
    goTo: (seconds) => {
      if (window.watching.isStarted()) {
        video.currentTime = seconds;
        video.play().catch(() => {});
      } else {
        config.start_ms = Math.round(seconds * 1000);
        start();
      }
    },
  });
})();
