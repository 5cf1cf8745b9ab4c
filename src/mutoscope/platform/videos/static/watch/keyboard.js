// The player by keyboard, wherever the focus is on the page, except where somebody types or a control wants the key itself.
(() => {
  const { watching } = window;
  if (!watching || !watching.video) return;
  const { video, root, settings } = watching;
  const help = document.getElementById("keys");

  const press = (selector) => {
    const button = root.querySelector(selector);
    if (button) button.click();
  };
  const move = (seconds) => {
    if (!Number.isFinite(video.duration)) return;
    video.currentTime = Math.min(video.duration, Math.max(0, video.currentTime + seconds));
  };
  const louder = (by) => {
    video.volume = Math.min(1, Math.max(0, Math.round((video.volume + by) * 20) / 20));
    if (by > 0) video.muted = false;
  };
  const playOrPause = () => {
    if (!watching.isStarted()) watching.start();
    else if (video.paused) video.play().catch(() => {});
    else video.pause();
  };
  // The button learns a moment later than the browser that the screen is full; pressed in that moment it would fill it again.
  const fullscreen = () => {
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    else press("media-fullscreen-button");
  };
  const KEYS = {
    " ": playOrPause,
    k: playOrPause,
    ArrowLeft: () => move(-5),
    ArrowRight: () => move(5),
    j: () => move(-10),
    l: () => move(10),
    ArrowUp: () => louder(0.05),
    ArrowDown: () => louder(-0.05),
    m: () => {
      video.muted = !video.muted;
    },
    c: () => settings.switchCaptions(),
    f: fullscreen,
    p: () => press("media-pip-button"),
    "<": () => settings.faster(-1),
    ">": () => settings.faster(1),
    "?": () => help && !help.open && help.showModal(),
  };
  for (let digit = 0; digit <= 9; digit += 1) {
    KEYS[digit] = () => {
      if (Number.isFinite(video.duration)) video.currentTime = (video.duration * digit) / 10;
    };
  }
  // Keys by which pages are scrolled and controls are worked: they are the player's only while it is in use.
  const SHARED = new Set([" ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]);
  const isTypedInto = (element) => element.matches("input:not([type='checkbox']), textarea, select, [contenteditable='true']");
  const isWorkedBy = (element, key) => {
    if (element.matches("media-time-range, media-volume-range, input")) return key.startsWith("Arrow");
    return key === " " && element.matches("button, a, summary, label, [role='button'], [role='slider']");
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    const element = event.target instanceof Element ? event.target : document.body;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = KEYS[key];
    if (!act || isTypedInto(element) || isWorkedBy(element, key)) return;
    const isInPlayer = root.contains(element);
    if (SHARED.has(key) && !isInPlayer && element !== document.body) return;
    if ((key === "ArrowUp" || key === "ArrowDown") && !isInPlayer) return;
    event.preventDefault();
    act();
  });
})();
