// Keeps a run's timeline up to date by asking for it again, more slowly while the tab is hidden or the server is away.
const timeline = document.getElementById("run-timeline");
const state = () => timeline.querySelector("[data-state]").dataset.state;

function showButtons() {
  for (const button of document.querySelectorAll("[data-when]")) {
    button.hidden = !button.dataset.when.split(" ").includes(state());
  }
}

async function refresh() {
  let pause = document.hidden ? 5000 : 500;
  try {
    const answer = await fetch(timeline.dataset.source, { credentials: "same-origin" });
    if (answer.ok && !answer.redirected) {
      timeline.innerHTML = await answer.text();
      showButtons();
    }
  } catch {
    pause = 3000;
  }
  // A run that has ended may be resumed from elsewhere.
  setTimeout(refresh, state() === "RUNNING" ? pause : 5000);
}

if (timeline) {
  showButtons();
  setTimeout(refresh, 500);
}
